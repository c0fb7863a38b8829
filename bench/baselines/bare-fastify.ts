import { randomBytes } from 'node:crypto';
import { fastify } from 'fastify';

/* One route that sends the same buffer each time. Usage: node bare-fastify.js <bytes>. Prints its port. */

const buffer = randomBytes(Number(process.argv[2]));
const app = fastify();
app.post('/receive', (_request, reply) => reply.type('application/octet-stream').send(buffer));
console.log(`listens on ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
