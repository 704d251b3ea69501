// All ways to be faithful and all bugs, by name.

import { AUTH } from './node_bugs_auth.mjs';
import { CONTENT } from './node_bugs_content.mjs';
import { ENVELOPE } from './node_bugs_envelope.mjs';
import { INPUT } from './node_bugs_input.mjs';
import { LIFE } from './node_bugs_life.mjs';
import { LOAD } from './node_bugs_load.mjs';
import { NAMES } from './node_bugs_names.mjs';
import { WAYS_OF_ANSWERING } from './node_ways.mjs';
import { WAYS_OF_TRANSPORT } from './node_ways_transport.mjs';

export const WAYS = [...WAYS_OF_ANSWERING, ...WAYS_OF_TRANSPORT];
export const BUGS = [...AUTH, ...ENVELOPE, ...NAMES, ...CONTENT, ...LIFE, ...INPUT, ...LOAD];
