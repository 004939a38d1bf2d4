// A tab without a browser: Yjs and the y-websocket provider, driven by lines of JSON on stdin.
// Each line is {id, do, ...}; the answer is {id, result}. Prints {ready: true} first.
import { createInterface } from 'node:readline';
import WebSocket from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { notebook } from './notebook.mjs';

const [server, room, token, sessionId] = process.argv.slice(2);
const doc = new Y.Doc();
const text = doc.getText('source');
const closes = [];
const provider = new WebsocketProvider(server, room, doc, {
  WebSocketPolyfill: WebSocket,
  connect: false,
  disableBc: true,
  maxBackoffTime: 100,
  params: sessionId ? { token, sessionId } : { token },
});
provider.on('connection-close', event => closes.push({ code: event.code, reason: event.reason }));

const actions = {
  ...notebook(doc),
  connect: () => provider.connect(),
  disconnect: () => provider.disconnect(),
  insert: ({ at, value }) => text.insert(at, value),
  remove: ({ at, count }) => text.delete(at, count),
  present: ({ state }) => provider.awareness.setLocalState(state),
  send: ({ bytes }) => provider.ws.send(Uint8Array.from(bytes)),
  look: () => ({
    text: text.toString(),
    synced: provider.synced,
    connected: provider.wsconnected,
    people: [...provider.awareness.getStates().values()],
    closes,
  }),
};

for await (const line of (console.log('{"ready": true}'), createInterface(process.stdin))) {
  const { id, do: name, ...options } = JSON.parse(line);
  console.log(JSON.stringify({ id, result: actions[name](options) ?? null }));
}
process.exit(0);
