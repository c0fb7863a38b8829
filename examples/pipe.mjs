// A terminal on one socket, through /v1/pipe: standard input goes to the peer, what it sends to standard output.
//
//   node examples/pipe.mjs 'ws://127.0.0.1:3000/v1/pipe?host=127.0.0.1&port=6379'
import { WebSocket } from 'ws';

const [url] = process.argv.slice(2);
const key = process.env.SOCKEYE_KEY;
if (!/^wss?:/.test(url) || !URL.canParse(url)) {
  console.error("usage: node examples/pipe.mjs 'ws://HOST:PORT/v1/pipe?host=...&port=...'");
  process.exit(2);
}
const ws = new WebSocket(url, 'binary', {
  headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
});

ws.on('open', () => process.stdin.on('data', (bytes) => ws.send(bytes)));
ws.on('message', (bytes) => process.stdout.write(bytes));
ws.on('error', (error) => console.error(error.message));
ws.on('close', (code, reason) => {
  console.error(`closed: ${code} ${reason}`);
  process.exitCode = code === 1000 ? 0 : 1; // the peer's EOF, and nothing else, is a good end
  process.stdin.destroy();
});
