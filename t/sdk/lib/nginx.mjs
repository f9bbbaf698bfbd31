/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Runs one real nginx in a directory of its own, for the tests that are
 * written in JavaScript.  The environment is that of t/lib/Argo/Test.pm:
 *
 *   TEST_NGINX_BINARY        nginx to run; /usr/sbin/nginx by default
 *   ARGO_BUILD_DIR           where the modules are; build/ of the repository
 *                            by default; set and empty: they are compiled in
 *   TEST_NGINX_GLOBALS       more directives for the main level
 *   TEST_NGINX_GLOBALS_HTTP  more directives for the http level
 *   TEST_NGINX_PRELOAD       LD_PRELOAD for nginx alone (sanitizer runtimes)
 *   TEST_NGINX_WRAPPER       a command that nginx is run by (valgrind ...);
 *                            "%d" in it is the directory of the instance
 *   TEST_NGINX_DEBUG         error_log at debug level
 *   TEST_NGINX_LEAVE         keep the directory
 *   TEST_NGINX_PATIENCE      factor for all time limits
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const env = process.env;
const root = fileURLToPath(new URL('../../..', import.meta.url));
const binary = env.TEST_NGINX_BINARY || '/usr/sbin/nginx';

export const patience = Number(env.TEST_NGINX_PATIENCE)
    || (env.TEST_NGINX_WRAPPER ? 10 : env.TEST_NGINX_PRELOAD ? 3 : 1);

const running = new Set();


/* Whatever becomes of the test, no nginx outlives it. */

process.on('exit', () => {
    for (const nginx of running) {
        nginx.child.kill('SIGTERM');
    }
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => process.exit(1));
}


/* Waits until condition() gives something true, and returns it. */

export async function waitFor(what, condition, seconds = 10) {
    const end = Date.now() + seconds * 1000 * patience;

    for (;;) {
        const value = await condition();

        if (value) {
            return value;
        }

        if (Date.now() > end) {
            throw new Error(`waited in vain for ${what}`);
        }

        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}


/*
 * A port that nobody listens on.  It is below the range that the kernel
 * takes the near ends of connections from, so that no connection of another
 * test sits on it.
 */

export async function freePort() {
    for (let i = 0; i < 100; i++) {
        const port = 20000 + Math.floor(Math.random() * 12000);
        const server = net.createServer();

        server.listen(port, '127.0.0.1');

        const free = await new Promise((resolve) => {
            server.once('listening', () => resolve(true));
            server.once('error', () => resolve(false));
        });

        if (free) {
            server.close();
            await once(server, 'close');
            return port;
        }
    }

    throw new Error('no free port');
}


/* GET over a connection of its own: { status, body }. */

export function get(port, uri) {
    return new Promise((resolve, reject) => {
        http.get({ host: '127.0.0.1', port, path: uri, agent: false },
                 (response) => {
            let body = '';

            response.setEncoding('utf8');
            response.on('data', (data) => { body += data; });
            response.on('error', reject);
            response.on('end', () => {
                resolve({ status: response.statusCode, body });
            });
        }).on('error', reject);
    });
}


function loadModule(name) {
    const dir = env.ARGO_BUILD_DIR ?? path.join(root, 'build');

    return dir === '' ? '' : `load_module ${path.resolve(dir, name)}.so;`;
}


function mainConf(dir, module, conf) {
    const user = process.getuid() === 0 ? 'user root;' : '';
    const level = env.TEST_NGINX_DEBUG ? 'debug' : 'info';

    return `
${loadModule(module)}
${env.TEST_NGINX_GLOBALS ?? ''}
${user}
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log ${level};

events {
    worker_connections 1024;
}

http {
    ${env.TEST_NGINX_GLOBALS_HTTP ?? ''}
    access_log ${dir}/access.log;
    client_body_temp_path ${dir}/body;
    proxy_temp_path ${dir}/proxy;
    fastcgi_temp_path ${dir}/fastcgi;
    uwsgi_temp_path ${dir}/uwsgi;
    scgi_temp_path ${dir}/scgi;

    ${conf}
}
`;
}


export class Nginx {

    /*
     * Starts nginx with one module and the http level that conf({ name:
     * port, ... }) gives; names are the ports that it wants, and each must be
     * listened on.
     */
    static async start(module, names, conf) {
        for (let attempt = 1; ; attempt++) {
            const nginx = new Nginx();

            for (const name of names) {
                nginx.ports[name] = await freePort();
            }

            try {
                await nginx.run(module, conf(nginx.ports));
                return nginx;

            } catch (error) {
                const taken = nginx.log().includes('Address already in use');

                await nginx.kill();
                nginx.cleanup();

                if (!taken || attempt === 5) {
                    throw error;
                }
            }
        }
    }

    constructor() {
        this.ports = {};
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'argo-js-'));
        fs.chmodSync(this.dir, 0o755);
    }

    async run(module, conf) {
        const output = fs.openSync(`${this.dir}/stderr.log`, 'a');
        const wrapper = (env.TEST_NGINX_WRAPPER ?? '').replaceAll('%d',
                                                                  this.dir);
        const [command, ...args] = [...wrapper.split(' ').filter(Boolean),
                                    binary, '-p', `${this.dir}/`,
                                    '-e', 'error.log', '-c', 'nginx.conf'];
        const childEnv = { ...env };

        if (env.TEST_NGINX_PRELOAD) {
            childEnv.LD_PRELOAD = env.TEST_NGINX_PRELOAD;
        }

        fs.writeFileSync(`${this.dir}/nginx.conf`,
                         mainConf(this.dir, module, conf));

        this.child = spawn(command, args, { env: childEnv,
                                            stdio: ['ignore', output, output]
                                          });
        fs.closeSync(output);
        running.add(this);

        this.exited = new Promise((resolve) => {
            const ended = (reason) => {
                running.delete(this);
                this.exit = reason;
                resolve();
            };

            this.child.once('exit', (code, signal) => ended(signal ?? code));
            this.child.once('error', ended);
        });

        await waitFor('nginx to start', async () => {
            if ('exit' in this) {
                throw new Error(`nginx has not started: ${this.exit}\n`
                                + this.log());
            }

            return await this.listens();
        }, 15);
    }

    async listens() {
        for (const port of Object.values(this.ports)) {
            const connected = await new Promise((resolve) => {
                const socket = net.connect(port, '127.0.0.1');

                socket.once('connect', () => resolve(true));
                socket.once('error', () => resolve(false));
                socket.once('close', () => resolve(false));
                socket.once('connect', () => socket.destroy());
            });

            if (!connected) {
                return false;
            }
        }

        return true;
    }

    read(name) {
        try {
            return fs.readFileSync(`${this.dir}/${name}`, 'utf8');
        } catch {
            return '';
        }
    }

    log() {
        return this.read('error.log') + this.read('stderr.log');
    }

    /*
     * Ends nginx as an administrator would who waits for the last request:
     * a worker that is left with one, or with a connection that nobody will
     * ever close, does not end, or complains in its log.
     */
    async stop() {
        if ('exit' in this) {
            return;
        }

        this.child.kill('SIGQUIT');

        const timer = setTimeout(() => {
            this.stuck = 'nginx did not end: a request must be left over';
            this.child.kill('SIGTERM');
        }, 10000 * patience);

        await this.exited;
        clearTimeout(timer);
    }

    async kill() {
        if (this.child && !('exit' in this)) {
            this.child.kill('SIGTERM');
            await this.exited;
        }
    }

    /* Lines of the logs that no test may leave, after stop(). */

    complaints() {
        const bad = new RegExp([
            '\\[(alert|crit|emerg)\\]',
            'exited (on signal|with code [1-9])',
            'Sanitizer|runtime error:',
            '^==\\d+== +(at 0x|ERROR SUMMARY: [1-9])',
        ].join('|'), 'm');
        const lines = this.log().split('\n').filter((line) => bad.test(line));
        const reports = fs.readdirSync(this.dir)
            .filter((name) => /^(stderr\.log|(valgrind|asan)\..*)$/.test(name))
            .map((name) => this.read(name));

        /* a report is of use only as a whole */
        lines.push(...reports.filter((report) => bad.test(report)));

        if (this.stuck) {
            lines.push(this.stuck);
        }

        return lines.join('\n');
    }

    cleanup() {
        if (env.TEST_NGINX_LEAVE) {
            console.log(`# left in ${this.dir}`);
        } else {
            fs.rmSync(this.dir, { recursive: true, force: true });
        }
    }
}
