// Reads everything that the connections of one listener send, over any number of WebSockets.
//
//   node examples/read-listener.mjs ws://127.0.0.1:3000 meters archive
//
// The third word is the name of the reader: its place in each connection is kept by the service, so that this
// program can be stopped, or cut off, and goes on where its last acknowledgement was.
import { WebSocket } from 'ws';

const [url = 'ws://127.0.0.1:3000', listenerId = 'meters', reader = 'archive'] = process.argv.slice(2);
const key = process.env.SOCKEYE_KEY;
const RETRY_MS = 500;
const HEADER_BYTES = 16;

/** The place for what you do with the bytes. When it returns, they count as done. */
function handle(socketId, offset, bytes) {
  console.log(`${socketId} @${offset} ${JSON.stringify(bytes.toString())}`);
}

function connect() {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const ws = new WebSocket(`${url}/v1/stream`, 'sockeye.v1', { headers });
  const say = (event, data) => ws.send(JSON.stringify({ event, data }));
  const socketIds = new Map(); // channel -> id; channels are counted anew on each WebSocket
  let listenerIsThere = true;

  ws.on('open', () => say('attach', { listenerId, reader }));
  ws.on('message', (message, isBinary) => {
    if (isBinary) {
      const channel = message.readUInt32BE(4);
      const offset = Number(message.readBigUInt64BE(8));
      const bytes = message.subarray(HEADER_BYTES);
      handle(socketIds.get(channel), offset, bytes);
      say('ack', { channel, offset: offset + bytes.length });
      return;
    }
    const { event, data } = JSON.parse(message);
    if (event === 'accepted') socketIds.set(data.channel, data.socket.id);
    if (event === 'eof') console.log(`${socketIds.get(data.channel)} ended at ${data.offset}`);
    if (event === 'gap') {
      console.log(`${socketIds.get(data.channel)} lost ${data.from} to ${data.to}`);
      say('ack', { channel: data.channel, offset: data.to });
    }
    if (event === 'error') {
      console.error(`${data.title}: ${data.detail}`);
      if (data.channel === undefined) process.exit(1); // the attach was refused: there is no such listener
    }
    if (event === 'closed') {
      // A channel goes by itself when it is closed and acknowledged. The listener's own is not in this table.
      const id = socketIds.get(data.channel) ?? listenerId;
      console.log(`${id} closed: ${data.reason.message ?? data.reason}`);
      if (!socketIds.delete(data.channel)) listenerIsThere = false;
      if (!listenerIsThere && socketIds.size === 0) process.exit(0);
    }
  });
  ws.on('error', (error) => console.error(error.message));
  ws.on('close', (code) => {
    console.error(`WebSocket closed with ${code}, once more`);
    setTimeout(connect, RETRY_MS);
  });
}

connect();
