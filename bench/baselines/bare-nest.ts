import 'reflect-metadata';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { Body, Controller, Delete, Get, HttpCode, Module, Param, Post, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';

/*
 * What one writes first in Nest: a controller that validates the body of `POST /v1/listeners`, as Sockeye documents
 * it, and opens a `net` server. Usage: node bare-nest.js [port]. Prints the port it listens on.
 */

class LimitsDto {
  @IsOptional() @IsInt() @Min(1) maxConnections?: number;
  @IsOptional() @IsInt() @Min(1) acceptCount?: number | null;
  @IsOptional() @IsInt() @Min(0) idleTimeoutMs?: number;
}

class ReceiveDto {
  @IsOptional() @IsInt() @Min(1) windowBytes?: number;
  @IsOptional() @IsIn(['pause', 'drop-oldest', 'drop-newest']) overflow?: string;
  @IsOptional() @IsIn(['memory']) store?: string;
  @IsOptional() @IsInt() @Min(0) lingerMs?: number;
  @IsOptional() @IsInt() @Min(1) readerTtlMs?: number | null;
}

class TlsDto {
  @IsString() cert!: string;
  @IsString() key!: string;
  @IsOptional() @IsString() ca?: string;
  @IsOptional() @IsArray() @IsString({ each: true }) alpn?: string[];
}

class CreateListenerDto {
  @IsOptional() @IsIn(['tcp', 'tls', 'udp', 'unix', 'unix-datagram', 'unix-seqpacket']) protocol?: string;
  @IsOptional() @IsString() host?: string;
  @IsOptional() @IsInt() @Min(0) @Max(65535) port?: number;
  @IsOptional() @IsInt() @Min(1) backlog?: number;
  @IsOptional() @IsString() name?: string | null;
  @IsOptional() @IsObject() labels?: Record<string, string>;
  @IsOptional() @IsObject() options?: Record<string, unknown>;
  @IsOptional() @ValidateNested() @Type(() => LimitsDto) limits?: LimitsDto;
  @IsOptional() @ValidateNested() @Type(() => ReceiveDto) receive?: ReceiveDto;
  @IsOptional() @ValidateNested() @Type(() => TlsDto) tls?: TlsDto | null;
  @IsOptional() @IsBoolean() ipv6Only?: boolean;
  @IsOptional() @IsBoolean() reusePort?: boolean;
  @IsOptional() @IsString() path?: string;
  @IsOptional() @IsInt() @Min(1) leaseMs?: number | null;
}

const servers = new Map<string, Server>();
let made = 0;

@Controller()
class ListenersController {
  @Post('v1/listeners')
  async create(@Body() { host = '127.0.0.1', port = 0, backlog = 511 }: CreateListenerDto): Promise<object> {
    const server = createServer();
    server.listen({ host, port, backlog });
    await once(server, 'listening');
    const id = `lsn_${(made += 1)}`;
    servers.set(id, server);
    const { address, port: bound } = server.address() as AddressInfo;
    return { id, kind: 'listener', state: 'listening', localAddress: { address, port: bound } };
  }

  @Delete('v1/listeners/:id')
  @HttpCode(204)
  remove(@Param('id') id: string): void {
    servers.get(id)?.close();
    servers.delete(id);
  }

  @Get('health/ready')
  ready(): object {
    return { status: 'ok' };
  }
}

@Module({ controllers: [ListenersController] })
class AppModule {}

const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
  logger: false,
});
app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
await app.listen(Number(process.argv[2] ?? 0), '127.0.0.1');
const { port } = app.getHttpServer().address() as AddressInfo;
console.log(`listens on 127.0.0.1:${port}`);
