import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
  StreamableFile,
} from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiExtraModels,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Engine } from '../../sockets/index.js';
import { createdHeaders, EVENT_STREAM, JsonBody, Operation, ScanParam } from '../common/api.js';
import { goneSignal } from '../common/gone-signal.js';
import { Idempotency, Idempotent } from '../idempotency/idempotent.js';
import { invalid } from '../problems/problem.js';
import { CreateScanDto, scanRequest } from './create-scan.dto.js';
import { scanEvents } from './scan-events.js';
import {
  PortStateQuery,
  scanDto,
  ScanDto,
  scanList,
  ScanListDto,
  scanReport,
  ScanReportDto,
  ScanResultDto,
  ScanResultsQuery,
  ScansQuery,
} from './scans.dto.js';
import { ServiceNames } from './service-names.js';

const EXAMPLE_NAME = 'demo-scan';

const STREAM = {
  type: 'string',
  contentMediaType: EVENT_STREAM,
  contentSchema: {
    description: 'The `data` of one event',
    oneOf: [{ $ref: getSchemaPath(ScanResultDto) }, { $ref: getSchemaPath(ScanDto) }],
  },
};

const STREAM_EXAMPLE = `id: 1
event: result
data: {"host":"127.0.0.1","address":"127.0.0.1","port":7007,"state":"open","service":"afs3-bos","errno":null,"code":null,"banner":null}

`;

@ApiTags('scans')
@Controller('v1/scans')
export class ScansController {
  constructor(
    private readonly engine: Engine,
    private readonly names: ServiceNames,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @HttpCode(202)
  @Idempotent()
  @JsonBody(
    CreateScanDto,
    { host: '127.0.0.1', ports: '7007,8000-8100', name: EXAMPLE_NAME },
    { others: { 'A network, gently': { cidr: '127.0.0.0/29', ports: '22,80,443', ratePerSecond: 100 } } },
  )
  @Operation({
    id: 'createScan',
    summary: 'Scan ports by connecting to them',
    description:
      'connect(2) to every port of every address; what connects is closed with RST. Every address is judged by the ' +
      'policy before the first packet: one that may not be dialled, and nothing is scanned. Answers at once; the ' +
      'results come while it runs, and are kept for an hour.',
    problems: [
      'validation-failed',
      'blocked-by-policy',
      'conflict',
      'payload-too-large',
      'unsupported-media-type',
      'not-supported',
      'idempotency-key-reused',
      'name-not-resolved',
      'resource-exhausted',
      'timed-out',
    ],
  })
  @ApiAcceptedResponse({ type: ScanDto, headers: createdHeaders('scan') })
  create(
    @Body() body: CreateScanDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ScanDto> {
    return this.idempotency.answer(request, reply, async () => {
      const scan = await this.engine.scans.start(scanRequest(body));
      void reply.header('location', `/v1/scans/${scan.id}`);
      return scanDto(scan);
    });
  }

  @Get()
  @Operation({ id: 'listScans', summary: 'List the scans', problems: ['validation-failed'] })
  @ApiOkResponse({ type: ScanListDto })
  list(@Query() query: ScansQuery): ScanListDto {
    return scanList(this.engine.scans.all, query);
  }

  @Get(':idOrName')
  @ScanParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'getScan',
    summary: 'Progress and results of a scan',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiOkResponse({ type: ScanReportDto })
  async get(@Param('idOrName') idOrName: string, @Query() query: ScanResultsQuery): Promise<ScanReportDto> {
    return scanReport(this.engine.scans.get(idOrName), await this.names.read(), query);
  }

  @Get(':idOrName/events')
  @ScanParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'streamScan',
    summary: 'Follow a scan, as server-sent events',
    description:
      'Each result is an event `result`, the ones that are known already first; `end` comes last, with the scan as it ' +
      'is then. Lines that begin with `:` are signs of life.',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiExtraModels(ScanResultDto, ScanDto)
  @ApiHeader({
    name: 'Last-Event-ID',
    description: 'Goes on after this one. A browser says it when it comes back',
    required: false,
    schema: { type: 'string', pattern: '^\\d{1,9}$' },
  })
  @ApiOkResponse({
    description: 'Results, as they come',
    content: { [EVENT_STREAM]: { schema: STREAM, example: STREAM_EXAMPLE } },
  })
  async follow(
    @Param('idOrName') idOrName: string,
    @Query() { state }: PortStateQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const ends = [goneSignal(reply), this.engine.stopSignal];
    const cut = (): void => void reply.raw.destroy();
    const following = { from: placeOf(lastEventId), state: state ?? null, ends, cut };
    const events = scanEvents(this.engine.scans.get(idOrName), await this.names.read(), following);
    void reply.header('cache-control', 'no-store');
    return new StreamableFile(Readable.from(events, { objectMode: false }), { type: EVENT_STREAM });
  }

  @Delete(':idOrName')
  @HttpCode(204)
  @ScanParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'deleteScan',
    summary: 'Cancel a scan, or forget it',
    description:
      'One that runs is cancelled: no probe begins any more, and what is known of it stays to be read. One that has ended ' +
      'is forgotten: 410 from then on.',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiNoContentResponse()
  remove(@Param('idOrName') idOrName: string): void {
    this.engine.scans.remove(this.engine.scans.get(idOrName));
  }
}

function placeOf(header: string | undefined): number {
  if (header === undefined || header === '') return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  throw invalid([{ pointer: '/lastEventId', detail: 'Last-Event-ID is not the id of an event' }]);
}
