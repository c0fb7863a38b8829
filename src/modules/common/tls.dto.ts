import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, ValidateIf, ValidateNested } from 'class-validator';
import {
  MAX_SNI_NAMES,
  MAX_TLS_BYTES,
  StreamConnection,
  StreamListener,
  TLS_VERSIONS,
  type ClientTls,
  type FailedHandshake,
  type Identity,
  type ListenerHandshakes,
  type ManagedSocket,
  type ServerTls,
  type TlsVersion,
} from '../../sockets/index.js';
import { invalid } from '../problems/problem.js';
import type { FieldOptions } from './field.js';
import { Flag, Host, OneOf, Text, Texts } from './fields.js';

const MAX_KEY_CHARACTERS = 32 * 1024;

/** A name for SNI; `*.` in front stands for one label. */
const SNI_NAME = /^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$/;

function Certificates(options: FieldOptions): PropertyDecorator {
  return Text({ ...options, maxLength: MAX_TLS_BYTES });
}

function Key(options: FieldOptions): PropertyDecorator {
  return Text({ ...options, maxLength: MAX_KEY_CHARACTERS });
}

/** RFC 7301: a name has 1 to 255 bytes. */
function Alpn(description: string): PropertyDecorator {
  return Texts({ description, default: [], maxItems: 32, maxLength: 255, pattern: /^[\x21-\x7e]+$/ });
}

function MinVersion(): PropertyDecorator {
  return OneOf(TLS_VERSIONS, { description: 'The oldest version that is spoken', default: 'TLSv1.2' });
}

export class SniDto implements Identity {
  @Text({
    description: 'Clients that ask for this name get this certificate; `*.example.test` stands for one label',
    maxLength: 253,
    pattern: SNI_NAME,
  })
  servername!: string;

  @Certificates({ description: 'PEM: the certificate, its chain behind it' })
  certificate!: string;

  @Key({ description: 'PEM: its private key. Never shown' })
  key!: string;
}

/** How a server speaks TLS. */
export class ServerTlsDto {
  @Certificates({ description: 'PEM: the certificate, its chain behind it' })
  certificate!: string;

  @Key({ description: 'PEM: its private key, not encrypted. Never shown' })
  key!: string;

  @Certificates({
    description: 'PEM: the authorities that sign certificates of clients; for that, no other is trusted',
    optional: true,
    nullable: true,
  })
  ca: string | null = null;

  @Flag({
    description: 'Ask clients for a certificate; `authorized` tells whether it is good',
    default: false,
  })
  requestClientCertificate: boolean = false;

  @Flag({ description: 'Refuse clients without a good certificate; needs `ca`', default: false })
  requireClientCertificate: boolean = false;

  @Alpn('Application protocols, the preferred one first; a client that offers only others is refused')
  alpn: string[] = [];

  @MinVersion()
  minVersion: TlsVersion = 'TLSv1.2';

  @ApiPropertyOptional({
    type: [SniDto],
    maxItems: MAX_SNI_NAMES,
    description: 'Other certificates, by name (SNI)',
  })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(MAX_SNI_NAMES)
  @ValidateNested({ each: true })
  @Type(() => SniDto)
  sni: SniDto[] = [];
}

/** How a client speaks TLS. */
export class ClientTlsDto {
  @Host({
    description: 'Name to ask for (SNI), and to find in the certificate; without it the host',
    optional: true,
    nullable: true,
  })
  servername: string | null = null;

  @Certificates({
    description: 'PEM: authorities to trust besides the public ones',
    optional: true,
    nullable: true,
  })
  ca: string | null = null;

  @Alpn('Application protocols to offer, the preferred one first')
  alpn: string[] = [];

  @MinVersion()
  minVersion: TlsVersion = 'TLSv1.2';

  @Flag({
    description: 'Go on with a server that could not be verified; `authorizationError` tells why',
    default: false,
  })
  insecure: boolean = false;

  @Certificates({
    description: 'PEM: the certificate of the client, its chain behind it',
    optional: true,
    nullable: true,
  })
  certificate: string | null = null;

  @Key({ description: 'PEM: its private key, not encrypted. Never shown', optional: true, nullable: true })
  key: string | null = null;
}

export class CipherDto {
  @ApiProperty({ description: 'As OpenSSL names it', example: 'TLS_AES_256_GCM_SHA384' })
  name!: string;

  @ApiProperty({ description: 'As the IANA registry names it', example: 'TLS_AES_256_GCM_SHA384' })
  standardName!: string;
}

export class PeerCertificateDto {
  @ApiProperty({ example: 'O=Example, CN=example.test' })
  subject!: string;

  @ApiProperty({ example: 'O=Example, CN=Example CA' })
  issuer!: string;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  validFrom!: string | null;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  validTo!: string | null;

  @ApiProperty({ description: 'SHA-256 over the certificate', example: 'AB:CD:EF' })
  fingerprint256!: string;

  @ApiProperty({ description: 'Hex', example: '0A1B2C' })
  serialNumber!: string;

  @ApiProperty({ type: 'string', nullable: true, example: 'DNS:example.test, IP Address:192.0.2.1' })
  subjectAltName!: string | null;

  @ApiProperty({ description: 'The certificate itself' })
  pem!: string;
}

const CERTIFICATE = { oneOf: [{ $ref: getSchemaPath(PeerCertificateDto) }, { type: 'null' }] };

/** TLS on a connection: what the handshake came to. */
@ApiExtraModels(PeerCertificateDto)
export class TlsDto {
  @ApiProperty({ example: 'TLSv1.3' })
  protocol!: string;

  @ApiProperty({ type: CipherDto })
  cipher!: CipherDto;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Application protocol agreed on',
    example: 'h2',
  })
  alpn!: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Name that the client asked for (SNI)' })
  servername!: string | null;

  @ApiProperty({ description: 'The peer has shown a certificate, and it was verified' })
  authorized!: boolean;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Why the certificate it has shown could not be verified',
    example: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  })
  authorizationError!: string | null;

  @ApiProperty({ ...CERTIFICATE, description: 'Null where it showed none, and in events' })
  peerCertificate!: PeerCertificateDto | null;

  @ApiProperty({
    description: 'The stream ended without close_notify: somebody may have cut it short (RFC 8446, 6.1)',
  })
  truncated!: boolean;
}

export class HandshakeFailureDto {
  @ApiProperty({ format: 'date-time' })
  time!: string;

  @ApiProperty({ example: 'EPROTO' })
  code!: string;

  @ApiProperty({ example: 'handshake EPROTO 127.0.0.1:50000: http request' })
  message!: string;
}

@ApiExtraModels(HandshakeFailureDto)
export class HandshakesDto {
  @ApiProperty({ type: 'integer' })
  inProgress!: number;

  @ApiProperty({ type: 'integer', description: 'They count as rejected connections too' })
  failed!: number;

  @ApiProperty({ oneOf: [{ $ref: getSchemaPath(HandshakeFailureDto) }, { type: 'null' }] })
  lastFailure!: HandshakeFailureDto | null;
}

/** TLS on a listener: what it was given, but no key, and how its handshakes go. */
export class ListenerTlsDto {
  @ApiProperty({
    ...CERTIFICATE,
    description: 'What it shows to clients; null in events, and once it is closed',
  })
  certificate!: PeerCertificateDto | null;

  @ApiProperty({ type: [String], description: 'Names with a certificate of their own' })
  sni!: string[];

  @ApiProperty({ type: [String] })
  alpn!: string[];

  @ApiProperty({ enum: [...TLS_VERSIONS] })
  minVersion!: TlsVersion;

  @ApiProperty()
  requestClientCertificate!: boolean;

  @ApiProperty()
  requireClientCertificate!: boolean;

  @ApiProperty({ type: HandshakesDto })
  handshakes!: HandshakesDto;
}

/** The `tls` of a listener: there for the protocol `tls`, and for no other. */
export function listenerTls(protocol: string, dto: ServerTlsDto | undefined): ServerTls | null {
  refuseWithoutTls(protocol, dto);
  if (protocol !== 'tls') return null;
  if (dto === undefined)
    throw invalid([{ pointer: '/tls', detail: 'must be given: a server shows a certificate' }]);
  return dto;
}

/** The same of a client, which needs none of it. */
export function dialledTls(protocol: string, dto: ClientTlsDto | undefined): ClientTls | null {
  refuseWithoutTls(protocol, dto);
  return protocol === 'tls' ? clientTls(dto ?? new ClientTlsDto()) : null;
}

function refuseWithoutTls(protocol: string, dto: object | undefined): void {
  if (protocol !== 'tls' && dto !== undefined)
    throw invalid([{ pointer: '/tls', detail: 'goes with the protocol tls' }]);
}

export function clientTls({ certificate, key, ...dto }: ClientTlsDto): ClientTls {
  if (certificate === null && key === null) return { ...dto, identity: null };
  if (certificate === null)
    throw invalid([{ pointer: '/tls/certificate', detail: 'must be given with a key' }]);
  if (key === null) throw invalid([{ pointer: '/tls/key', detail: 'must be given with a certificate' }]);
  return { ...dto, identity: { certificate, key } };
}

export function tlsDto(socket: ManagedSocket): TlsDto | ListenerTlsDto | null {
  if (socket instanceof StreamConnection) return socket.tls;
  return socket instanceof StreamListener && socket.handshakes !== null
    ? handshakesDto(socket.handshakes)
    : null;
}

function handshakesDto(handshakes: ListenerHandshakes): ListenerTlsDto {
  const { shown, certificate, inProgress, failed, lastFailure } = handshakes;
  return {
    ...shown,
    certificate,
    sni: [...shown.sni],
    alpn: [...shown.alpn],
    handshakes: { inProgress, failed, lastFailure: lastFailure === null ? null : failureDto(lastFailure) },
  };
}

function failureDto({ at, error }: FailedHandshake): HandshakeFailureDto {
  return { time: new Date(at).toISOString(), code: error.code, message: error.message };
}
