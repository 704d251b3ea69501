// The clock of the service and its control calls; it knows nothing of files.

const UNITS = { W: 604800, D: 86400, H: 3600, M: 60, S: 1 };

/** Seconds of an ISO 8601 duration of weeks, days, hours, minutes and seconds, or NaN. */
export function secondsOf(duration) {
  const shape = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
  const match = shape.exec(String(duration));
  if (!match || /[PT]$/.test(duration)) return Number.NaN;
  const counts = match.slice(1).map((count) => Number(count ?? 0));
  return Object.values(UNITS).reduce((sum, unit, index) => sum + unit * counts[index], 0);
}

export class Clock {
  #offset = 0; // milliseconds ahead of real time
  #frozenAt = null; // milliseconds since the epoch, or null for a running clock

  /** Milliseconds since the epoch. */
  now() {
    return this.#frozenAt ?? Math.trunc(Date.now() + this.#offset);
  }

  set(now) {
    this.#offset = now - Date.now();
    if (this.#frozenAt !== null) this.#frozenAt = now;
  }

  advance(milliseconds) {
    this.set(this.now() + milliseconds);
  }

  freeze(frozen) {
    const now = this.now();
    this.#frozenAt = frozen ? now : null;
    this.#offset = now - Date.now();
  }

  reset() {
    this.#offset = 0;
    this.#frozenAt = null;
  }

  state() {
    const now = this.now();
    const frozen = this.#frozenAt !== null;
    return { now: new Date(now).toISOString(), offset: (now - Date.now()) / 1000, frozen };
  }
}

/** Carry out a control call: the state of the clock, or a text that says what is wrong. */
export function controlClock(clock, method, path, body) {
  const call = `${method} ${path}`;
  if (call === 'GET /__mockkie/clock') return clock.state();
  if (call === 'DELETE /__mockkie/clock') {
    clock.reset();
    return clock.state();
  }
  if (call === 'PUT /__mockkie/clock') return setClock(clock, body);
  if (call === 'POST /__mockkie/clock/advance') return advanceClock(clock, body);
  return undefined;
}

function setClock(clock, { now, frozen }) {
  const time = Date.parse(now);
  if (now !== undefined && Number.isNaN(time)) return `'${now}' is no ISO 8601 time, like 2026-01-01T12:00:00Z`;
  if (frozen !== undefined) clock.freeze(Boolean(frozen));
  if (now !== undefined) clock.set(time);
  return clock.state();
}

function advanceClock(clock, { seconds, duration }) {
  const step = seconds ?? secondsOf(duration);
  if (typeof step !== 'number' || !(step >= 0)) return 'give seconds, or a duration like P3D or PT24H';
  clock.advance(step * 1000);
  return clock.state();
}
