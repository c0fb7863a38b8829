import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Engine } from '../../sockets/index.js';
import { JsonBody, OPENING_PROBLEMS, Operation } from '../common/api.js';
import { connectOver } from '../common/create.dto.js';
import { goneSignal } from '../common/gone-signal.js';
import { CreateExchangeDto, exchangeDial, ExchangeDto, exchangeDto, exchangePlan } from './exchanges.dto.js';
import { EXAMPLE, ELSEWHERE } from './examples.js';

@ApiTags('exchanges')
@Controller('v1/exchanges')
export class ExchangesController {
  constructor(private readonly engine: Engine) {}

  @Post()
  @HttpCode(200)
  @JsonBody(CreateExchangeDto, EXAMPLE, { elsewhere: ELSEWHERE })
  @Operation({
    id: 'exchange',
    summary: 'Connect, send, read and close, in one call',
    description:
      'One turn by `send` and `until`, or a dialogue by `steps`. The socket is one like any other while the exchange runs, ' +
      'and forgotten when it answers. What fails after it has connected, a deadline too, answers a problem with everything ' +
      'that came until then: `data`, `bytes`, `timings`, `transcript`. A caller that goes away ends the exchange. ' +
      'The example speaks with the listener that the example of `POST /v1/listeners` makes: make that first.',
    problems: [
      ...OPENING_PROBLEMS,
      'gone',
      'connection-refused',
      'connection-reset',
      'tls-failed',
      'not-ready',
    ],
  })
  @ApiOkResponse({ type: ExchangeDto })
  async exchange(
    @Body() body: CreateExchangeDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ExchangeDto> {
    const timeoutMs = this.engine.dialTimeoutMs(body.timeoutMs ?? null);
    const plan = exchangePlan(body, timeoutMs);
    const dial = exchangeDial(body, timeoutMs, this.engine.limits);
    const report = await this.engine.exchanges.run(
      plan,
      (gone, onPhase) => connectOver(this.engine, body.protocol, { ...dial, onPhase }, gone),
      goneSignal(reply),
    );
    return exchangeDto(body, report);
  }
}
