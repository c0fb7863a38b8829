import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Operation } from '../common/api.js';
import { ByteOrderDto, byteOrderDto, ByteOrderQuery } from './byte-order.dto.js';

@ApiTags('questions')
@Controller('v1/byte-order')
export class ByteOrderController {
  @Get()
  @Operation({
    id: 'swapBytes',
    summary: 'A number in host and in network byte order',
    description: 'htons(3), htonl(3), ntohs(3), ntohl(3), and endian(3) for 64 bits.',
    problems: ['validation-failed'],
  })
  @ApiOkResponse({ type: ByteOrderDto })
  swap(@Query() query: ByteOrderQuery): ByteOrderDto {
    return byteOrderDto(query);
  }
}
