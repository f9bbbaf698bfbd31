/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The module in one nginx, ARGO's simulator in another behind it, and beside
 * the simulator an upstream that a test can script.
 *
 *   /v1/            simulator
 *   /pseudo/v1/     simulator, streams made from unary calls
 *   /scripted/v1/   scripted upstream
 *   /live/v1/       simulator, its own list of models
 *   /list/v1/       scripted upstream, its own list of models
 *   /dead/v1/       an upstream that nobody listens for
 *   /slow/v1/       simulator, with a short patience
 *   /nouser/v1/     no user can be bound
 *   /denied/v1/     nginx's own 403
 *   /password/v1/   nginx's own 401
 *   /small/v1/      nginx's own 413
 *   /limited/v1/    nginx's own 429, after the first request
 */

import fs from 'node:fs';

import { Nginx, get, waitFor } from './nginx.mjs';
import { Upstream } from './upstream.mjs';


/* tcpmux; nobody has listened there for decades */
export const DEAD = 1;

const statusLocation = `
        location = /status {
            stub_status;
        }
`;

const simulatorConf = (ports) => `
    server {
        listen 127.0.0.1:${ports.sim};
        client_max_body_size 0;

        location /argoapi/ {
            argo_simulator;
        }
    }

    server {
        listen 127.0.0.1:${ports.admin};
        ${statusLocation}
    }
`;

/* What a test asks of the front alone, by a port of its own. */

export const adminConf = (ports) => `
    server {
        listen 127.0.0.1:${ports.admin};
        ${statusLocation}

        location = /worker {
            return 200 "$pid";
        }
    }
`;

/* A way to an upstream, by the name that endpoints know it by. */

export const internal = (name, port, more = '', scheme = 'http') => `
        location /to-${name}/ {
            internal;
            proxy_pass ${scheme}://127.0.0.1:${port}/argoapi/;
            proxy_set_header X-Argo-Sim $argo_sim;
            ${more}
        }
`;

export const endpoint = (path, name, more = '') => `
        location ${path} {
            argo_endpoint auto;
            argo_upstream /to-${name}/;
            set $argo_sim $http_x_argo_sim;
            ${more}
        }
`;

const frontConf = (simulator, scripted) => (ports) => `
    argo_zone argo 1m;
    limit_req_zone $server_port zone=one:32k rate=1r/m;

    upstream simulator {
        server 127.0.0.1:${simulator};
        keepalive 64;
    }

    server {
        listen 127.0.0.1:${ports.front};
        client_max_body_size 32m;

        argo_user jdoe;
        argo_upstream_api legacy;

        # calls are counted: none but those that a test makes
        argo_models_refresh 0;

        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;

        location /to-sim/ {
            internal;
            client_max_body_size 0;
            proxy_pass http://simulator/argoapi/;
            proxy_set_header Connection "";
            proxy_set_header X-Argo-Sim $argo_sim;
        }

        location /to-slow/ {
            internal;
            proxy_pass http://simulator/argoapi/;
            proxy_set_header Connection "";
            proxy_set_header X-Argo-Sim $argo_sim;
            proxy_read_timeout 200ms;
        }

        ${internal('scripted', scripted, 'client_max_body_size 0;')}
        ${internal('live', simulator)}
        ${internal('list', scripted)}
        ${internal('dead', DEAD)}

        ${endpoint('/v1/', 'sim')}
        ${endpoint('/pseudo/v1/', 'sim', 'argo_stream pseudo;')}
        ${endpoint('/scripted/v1/', 'scripted')}
        ${endpoint('/live/v1/', 'live', 'argo_models_refresh 24h;')}
        ${endpoint('/list/v1/', 'list', 'argo_models_refresh 24h;')}
        ${endpoint('/dead/v1/', 'dead')}
        ${endpoint('/slow/v1/', 'slow')}
        ${endpoint('/nouser/v1/', 'sim',
                   'argo_user $http_x_nobody_sends_this;')}
        ${endpoint('/denied/v1/', 'sim', 'deny all;')}
        ${endpoint('/password/v1/', 'sim',
                   'auth_basic realm; auth_basic_user_file users;')}
        ${endpoint('/small/v1/', 'sim', 'client_max_body_size 1k;')}
        ${endpoint('/limited/v1/', 'sim',
                   'limit_req zone=one; limit_req_status 429;')}
    }

    ${adminConf(ports)}
`;


/*
 * Closes the connections that fetch() keeps.  After an aborted request it
 * opens some ahead, on which nothing was sent yet; nginx does not take these
 * for idle and would wait for them when it ends.
 */

async function closeFetch() {
    const name = Symbol.for('undici.globalDispatcher.1');
    const agent = globalThis[name];

    if (agent) {
        globalThis[name] = new agent.constructor();
        await agent.destroy();
    }
}


export class Gateway {

    /* of the front, given the ports of what is behind it */
    static conf = frontConf;

    static async start() {
        const gateway = new this();

        gateway.upstream = await Upstream.start();

        try {
            gateway.sim = await Nginx.start(
                'ngx_http_argo_sim_module', ['sim', 'admin'], simulatorConf);
            gateway.front = await Nginx.start(
                'ngx_http_argo_module', ['front', 'admin'],
                this.conf(gateway.sim.ports.sim, gateway.upstream.port));

        } catch (error) {
            await gateway.cleanup();
            throw error;
        }

        fs.writeFileSync(`${gateway.front.dir}/users`, '');

        return gateway;
    }

    get port() {
        return this.front.ports.front;
    }

    url(prefix = '') {
        return `http://127.0.0.1:${this.port}${prefix}/v1`;
    }

    /* The simulator's own count of its calls. */

    async stats() {
        const { body } = await get(this.sim.ports.sim,
                                   '/argoapi/sim/stats');

        return JSON.parse(body);
    }

    /* nginx's own count of its clients' connections. */

    async connections(nginx = this.front) {
        const { body } = await get(nginx.ports.admin, '/status');
        const [, active] = /Active connections: (\d+)/.exec(body);

        return Number(active);
    }

    /*
     * Waits until the simulator counts what it should; condition(stats) says
     * so.
     */
    async untilStats(what, condition) {
        return await waitFor(what, async () => {
            const stats = await this.stats();

            return condition(stats) && stats;
        });
    }

    async worker() {
        return Number((await get(this.front.ports.admin, '/worker')).body);
    }

    /* Ends everything; returns what there is to complain about. */

    async stop() {
        await closeFetch();
        await this.front.stop();
        await this.sim.stop();
        await this.upstream.stop();

        return [this.front.complaints(), this.sim.complaints()]
            .filter(Boolean).join('\n');
    }

    /* Ends what stop() has not, and leaves nothing behind. */

    async cleanup() {
        for (const nginx of [this.front, this.sim]) {
            await nginx?.kill();
            nginx?.cleanup();
        }

        await this.upstream.stop();
    }
}
