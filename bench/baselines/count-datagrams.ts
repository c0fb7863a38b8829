import { createSocket } from 'node:dgram';

/*
 * The least that a program of Node can do with datagrams: count them. Prints the port it is bound to.
 * Its receive buffer is as large as Sockeye's.
 */

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

let datagrams = 0;
const socket = createSocket('udp4');
socket.on('message', () => (datagrams += 1));
socket.bind(0, '127.0.0.1', () => {
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  console.log(`listens on 127.0.0.1:${socket.address().port}`);
});
process.on('SIGTERM', () => {
  console.log(`${datagrams} datagrams`);
  process.exit();
});
