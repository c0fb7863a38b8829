import type { RequestListener } from 'node:http';
import express from 'express';
import swaggerUi from 'swagger-ui-express';

export const DOCS_PATH = '/docs';

/** Only what the page needs, and only from here: it makes no request to anywhere else. */
const CONTENT_SECURITY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

/** Swagger UI on an Express application of its own; `document` is asked for when somebody looks. */
export function swaggerUiIsland(document: () => object): RequestListener {
  const island = express();
  island.disable('x-powered-by');
  island.use((_request, response, next) => {
    response.set({
      'content-security-policy': CONTENT_SECURITY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    next();
  });
  // The page's files are named relative to it.
  island.get(DOCS_PATH, (request, response, next) => {
    if (request.path === DOCS_PATH) response.redirect(301, `${DOCS_PATH}/`);
    else next();
  });
  island.use(
    DOCS_PATH,
    swaggerUi.serve,
    (request: express.Request, response: express.Response, next: express.NextFunction) => {
      const options = {
        customSiteTitle: 'Sockeye',
        swaggerOptions: { validatorUrl: null, tryItOutEnabled: true, displayRequestDuration: true },
      };
      swaggerUi.setup(document(), options)(request, response, next);
    },
  );
  return island;
}
