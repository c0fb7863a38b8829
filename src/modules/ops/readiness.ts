import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Whether new work is welcome: from the start until the first sign of the end. */
@Injectable()
export class Readiness implements OnModuleDestroy {
  private ready = true;

  get isReady(): boolean {
    return this.ready;
  }

  onModuleDestroy(): void {
    this.ready = false;
  }
}
