// The File Upload API once more, in Node and its standard library alone: a hold-out that whoever
// wrote the contract suite has not seen. It can be faithful in many ways, and broken in more.
//
//   node tests/node_api.mjs --port 0 --key K [--key K2] [--way NAME]... [--bug NAME]...
//   node tests/node_api.mjs --all-ways     a server for each way, in one process, a line each
//   node tests/node_api.mjs --list

import { parseArgs } from 'node:util';

import { BUGS, WAYS } from './node_catalogue.mjs';
import { Clock } from './node_clock.mjs';
import { serve } from './node_server.mjs';
import { Service } from './node_service.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    key: { type: 'string', multiple: true, default: ['kie-mock-key'] },
    way: { type: 'string', multiple: true, default: [] },
    bug: { type: 'string', multiple: true, default: [] },
    list: { type: 'boolean', default: false },
    'all-ways': { type: 'boolean', default: false },
  },
});

function chosen(entries, names, kind) {
  return names.map((name) => {
    const entry = entries.find((candidate) => candidate.name === name);
    if (entry) return entry;
    console.error(`no ${kind} is called ${name}; --list tells them all`);
    return process.exit(2);
  });
}

/** Start a server with changes to its steps: where it takes uploads and gives downloads. */
async function start(changes) {
  const service = new Service({ keys: values.key, clock: new Clock() });
  for (const { change } of changes) service.patch(typeof change === 'function' ? change(service) : change);
  const { uploads, downloads } = await serve(service, Number(values.port));
  return { url: uploads, downloadOrigin: downloads };
}

if (values.list) {
  const plain = (entries) => entries.map(({ change, ...told }) => told);
  console.log(JSON.stringify({ ways: plain(WAYS), bugs: plain(BUGS) }, null, 1));
} else if (values['all-ways']) {
  for (const way of WAYS) console.log(JSON.stringify({ way: way.name, ...(await start([way])) }));
} else {
  console.log(JSON.stringify(await start([...chosen(WAYS, values.way, 'way'), ...chosen(BUGS, values.bug, 'bug')])));
}
