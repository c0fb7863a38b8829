import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Operation } from '../common/api.js';
import {
  protocolList,
  ProtocolListDto,
  ProtocolsQuery,
  serviceList,
  ServiceListDto,
  ServicesQuery,
} from './services.dto.js';

@ApiTags('questions')
@Controller('v1')
export class ServicesController {
  @Get('services')
  @Operation({
    id: 'listServices',
    summary: 'Names and ports of services',
    description:
      'getservbyname(3) and getservbyport(3), by port. What nobody has a name for is an empty list. Without name and port: the whole table.',
    problems: ['validation-failed'],
  })
  @ApiOkResponse({ type: ServiceListDto })
  services(@Query() query: ServicesQuery): Promise<ServiceListDto> {
    return serviceList(query);
  }

  @Get('protocols')
  @Operation({
    id: 'listProtocols',
    summary: 'Names and numbers of the protocols that IP carries',
    description:
      'getprotobyname(3) and getprotobynumber(3), by number. Without name and number: the whole table.',
    problems: ['validation-failed'],
  })
  @ApiOkResponse({ type: ProtocolListDto })
  protocols(@Query() query: ProtocolsQuery): Promise<ProtocolListDto> {
    return protocolList(query);
  }
}
