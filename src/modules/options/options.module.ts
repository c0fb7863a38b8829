import { Module } from '@nestjs/common';
import { CatalogueController, OptionsController } from './options.controller.js';

@Module({ controllers: [CatalogueController, OptionsController] })
export class OptionsModule {}
