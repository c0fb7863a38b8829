import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiParam, ApiTags } from '@nestjs/swagger';
import { parseAddress } from '../../network/index.js';
import { Operation } from '../common/api.js';
import { AddressFormsDto, addressDto, AddressesQuery, addressOf } from './addresses.dto.js';
import { NetworkDto, networkDto, NetworkQuery } from './networks.dto.js';

@ApiTags('questions')
@Controller('v1/addresses')
export class AddressesController {
  @Get()
  @Operation({
    id: 'convertAddress',
    summary: 'An address from its packed form',
    description: 'inet_ntop(3), from hexadecimal, binary or decimal digits: exactly one of the three.',
    problems: ['validation-failed'],
  })
  @ApiOkResponse({ type: AddressFormsDto })
  convert(@Query() query: AddressesQuery): AddressFormsDto {
    return addressDto(addressOf(query));
  }

  @Get('networks')
  @Operation({
    id: 'describeNetwork',
    summary: 'A network: bounds, masks, membership, parts',
    problems: ['validation-failed'],
  })
  @ApiOkResponse({ type: NetworkDto })
  network(@Query() query: NetworkQuery): NetworkDto {
    return networkDto(query);
  }

  @Get(':address')
  @ApiParam({
    name: 'address',
    description: 'Any form that inet_aton(3) or inet_pton(3) take; an IPv6 one with its zone as `%25eth0`',
    schema: { type: 'string', maxLength: 64, example: '151.101.76.223' },
  })
  @Operation({
    id: 'describeAddress',
    summary: 'An address in all its forms, and how far it reaches',
    description:
      '`127.1`, `0x7f000001` and `017700000001` are 127.0.0.1, as they are for inet_aton(3). Names are not resolved.',
    problems: ['validation-failed'],
  })
  @ApiOkResponse({ type: AddressFormsDto })
  describe(@Param('address') text: string): AddressFormsDto {
    return addressDto(parseAddress(text));
  }
}
