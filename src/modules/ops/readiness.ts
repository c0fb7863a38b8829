import { Injectable } from '@nestjs/common';

/** Whether new work is welcome: from the start until the first sign of the end. */
@Injectable()
export class Readiness {
  isReady = true;
}
