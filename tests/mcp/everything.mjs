// server-everything on a free port, which it prints: `everything.mjs streamableHttp|sse`.
import http from 'node:http';

const listen = http.Server.prototype.listen;
http.Server.prototype.listen = function (_port, ...rest) {
  this.on('listening', () => console.log(`listening on http://127.0.0.1:${this.address().port}`));
  return listen.call(this, 0, '127.0.0.1', ...rest.filter((word) => typeof word === 'function'));
};
await import('./node_modules/@modelcontextprotocol/server-everything/dist/index.js');
