import { Module, type DynamicModule } from '@nestjs/common';
import { AddressesModule } from './modules/addresses/addresses.module.js';
import { ByteOrderModule } from './modules/byte-order/byte-order.module.js';
import { ClientsModule } from './modules/clients/clients.module.js';
import { ConfigModule } from './modules/config/config.module.js';
import type { Tickets } from './modules/auth/tickets.js';
import type { Configuration } from './modules/config/configuration.js';
import { DnsModule } from './modules/dns/dns.module.js';
import { EngineModule } from './modules/engine/engine.module.js';
import { EventsModule } from './modules/events/events.module.js';
import { IdempotencyModule } from './modules/idempotency/idempotency.module.js';
import { ExchangesModule } from './modules/exchanges/exchanges.module.js';
import { HostModule } from './modules/host/host.module.js';
import { ListenersModule } from './modules/listeners/listeners.module.js';
import { OpsModule } from './modules/ops/ops.module.js';
import { OptionsModule } from './modules/options/options.module.js';
import { SettingsModule } from './modules/settings/settings.module.js';
import { ScansModule } from './modules/scans/scans.module.js';
import { RespondersModule } from './modules/responders/responders.module.js';
import { ServicesModule } from './modules/services/services.module.js';
import { SocketsModule } from './modules/sockets/sockets.module.js';
import { StreamModule } from './modules/stream/stream.module.js';
import { TicketsModule } from './modules/tickets/tickets.module.js';
import { TimeModule } from './modules/time/time.module.js';

@Module({})
export class AppModule {
  static with(configuration: Configuration, tickets: Tickets): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(configuration),
        EngineModule,
        IdempotencyModule,
        AddressesModule,
        ByteOrderModule,
        ServicesModule,
        HostModule,
        DnsModule,
        TimeModule,
        ListenersModule,
        RespondersModule,
        ClientsModule,
        SocketsModule,
        OptionsModule,
        StreamModule,
        TicketsModule.with(tickets),
        ExchangesModule,
        ScansModule,
        EventsModule,
        SettingsModule,
        OpsModule,
      ],
    };
  }
}
