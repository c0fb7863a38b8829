import { ApiProperty } from '@nestjs/swagger';
import { isoTime, ntpTimestamp, type LocalClock, type NtpTimestamp } from '../../network/index.js';

const NS_PER_MS = 1_000_000;
const NS_PER_SECOND = 1_000_000_000n;

export class NtpTimestampDto implements NtpTimestamp {
  @ApiProperty({ type: 'integer', description: 'Of 2^32 seconds; era 1 begins in 2036', example: 0 })
  era!: number;

  @ApiProperty({ type: 'integer', description: 'Since the era began', example: 4_002_328_800 })
  seconds!: number;

  @ApiProperty({ type: 'integer', description: 'In units of 2^-32 s', example: 2_147_483_648 })
  fraction!: number;

  @ApiProperty({ description: 'The 64 bits on the wire', example: 'ee8eb0e080000000' })
  hex!: string;
}

export class TimeDto {
  @ApiProperty({ description: 'UTC, with microseconds', example: '2026-10-30T06:00:00.500000Z' })
  time!: string;

  @ApiProperty({
    description: 'The same in the zone of the process',
    example: '2026-10-30T07:00:00.500000+01:00',
  })
  localTime!: string;

  @ApiProperty({ description: 'Name in the tz database', example: 'Europe/Berlin' })
  zone!: string;

  @ApiProperty({ type: 'integer', description: 'How far the zone is ahead of UTC now', example: 60 })
  offsetMinutes!: number;

  @ApiProperty({ type: 'integer', description: 'Since 1 January 1970', example: 1_793_340_000 })
  unixSeconds!: number;

  @ApiProperty({ type: 'integer', description: 'Behind the second', example: 500_000_000 })
  nanoseconds!: number;

  @ApiProperty({ description: 'CLOCK_MONOTONIC: nobody sets it; only differences mean something' })
  monotonicMs!: number;

  @ApiProperty({ description: 'Since the host started, sleep included' })
  uptimeMs!: number;

  @ApiProperty({ type: NtpTimestampDto, description: 'The time as NTP writes it (RFC 5905, 6)' })
  ntp!: NtpTimestampDto;
}

export function timeDto({ wallNs, monotonicNs, uptimeNs, zone, offsetMinutes }: LocalClock): TimeDto {
  return {
    time: isoTime(wallNs, 0),
    localTime: isoTime(wallNs, offsetMinutes),
    zone,
    offsetMinutes,
    unixSeconds: Number(wallNs / NS_PER_SECOND),
    nanoseconds: Number(wallNs % NS_PER_SECOND),
    monotonicMs: Number(monotonicNs) / NS_PER_MS,
    uptimeMs: Number(uptimeNs) / NS_PER_MS,
    ntp: ntpTimestamp(wallNs),
  };
}
