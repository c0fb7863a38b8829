import { ServerResponse, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/**
 * An answer of which nobody is to guess the type. The header goes with those that `writeHead` is given: one that
 * was set before makes Node set all the others one by one, too.
 */
export class NosniffResponse extends ServerResponse {
  override writeHead(status: number, reason?: string | Headers, headers?: Headers): this {
    const given = typeof reason === 'string' ? headers : (headers ?? reason);
    if (Array.isArray(given)) this.setHeader('x-content-type-options', 'nosniff');
    const all = Array.isArray(given) ? given : Object.assign({ 'x-content-type-options': 'nosniff' }, given);
    return typeof reason === 'string' ? super.writeHead(status, reason, all) : super.writeHead(status, all);
  }
}
