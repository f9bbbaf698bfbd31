/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A gateway that speaks ARGO's native API, at the root of its server as
 * clients of all dialects want it:
 *
 *   /            simulator
 *   /scripted/   scripted upstream
 *   /legacy/     simulator, ARGO's legacy API
 *   /slow/       scripted upstream, with a short patience
 *   /tls/        scripted upstream, which does not speak the TLS it is asked
 *   /dead/       an upstream that nobody listens for
 *   /denied/     nginx's own 403
 *   /small/      nginx's own 413
 *   /limited/    nginx's own 429, after the first request
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { DEAD, Gateway, adminConf, endpoint, internal } from './gateway.mjs';
import { patience } from './nginx.mjs';


/* one of each vendor */
export const models = {
    openai: 'gpt-4.1',
    anthropic: 'claude-sonnet-4-6',
    google: 'gemini-2.5-pro',
};

export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR4'
    + '2mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=';

/* whatever is not plain ASCII, or looks like something else */
export const odd = 'Grüße 漢字 🚀👩‍🔬 "\\n" \u2028 data: [DONE]';

/* longer than any test lives */
export const never = 'delay=600000';
export const endless = 'chunks=100000, interval=20';


const direct = 'client_max_body_size 0; proxy_set_header Connection "";';
const impatient = `${direct} proxy_read_timeout ${6 * patience}s;`;

const frontConf = (simulator, scripted) => (ports) => `
    argo_zone argo 1m;
    limit_req_zone $server_port zone=one:32k rate=1r/m;

    server {
        listen 127.0.0.1:${ports.front};
        client_max_body_size 32m;

        argo_user jdoe;
        argo_upstream_api native;

        # calls are counted: none but those that a test makes
        argo_models_refresh 0;

        # what Gemini CLI asks for by itself
        argo_model gemini-3.1-pro-preview gemini25pro;
        argo_model gemini-3.1-pro-preview-customtools gemini25pro;
        argo_model gemini-3.8-flash gemini35flash;
        argo_model gemini-3.5-flash-lite gemini31flashlite;

        proxy_http_version 1.1;
        proxy_buffering off;

        ${internal('sim', simulator, direct)}
        ${internal('scripted', scripted, direct)}
        ${internal('slow', scripted, impatient)}
        ${internal('tls', scripted, direct, 'https')}
        ${internal('dead', DEAD, direct)}

        ${endpoint('/', 'sim')}
        ${endpoint('/scripted/', 'scripted')}
        ${endpoint('/legacy/', 'sim', 'argo_upstream_api legacy;')}
        ${endpoint('/slow/', 'slow', 'argo_heartbeat 0;')}
        ${endpoint('/tls/', 'tls')}
        ${endpoint('/dead/', 'dead')}
        ${endpoint('/denied/', 'sim', 'deny all;')}
        ${endpoint('/small/', 'sim', 'client_max_body_size 1k;')}
        ${endpoint('/limited/', 'sim',
                   'limit_req zone=one; limit_req_status 429;')}
    }

    ${adminConf(ports)}
`;


export class NativeGateway extends Gateway {

    static conf = frontConf;

    /* What an SDK gets as its base; path is what the SDK itself leaves out */

    base(prefix = '', path = '') {
        return `http://127.0.0.1:${this.port}${prefix}${path}`;
    }

    /*
     * Runs leave(), which begins a call and gives it up, and waits until the
     * simulator has seen the call end before it was answered.
     */
    async aborts(leave) {
        const before = await this.stats();

        await leave();

        const after = await this.untilStats('the call to be aborted',
            (stats) => stats.active === 0
                       && stats.aborted > before.aborted);

        assert.equal(after.aborted, before.aborted + 1);
        assert.equal(after.completed, before.completed);
    }

    async underWay() {
        return await this.untilStats('a call to be under way',
                                     (stats) => stats.active === 1);
    }
}


/* Why a suite is not to be run here, or false. */

function unfit(node) {
    if (process.env.ARGO_TEST_SDK === 'openai-v6') {
        return 'has nothing to do with the openai SDK: once is enough';
    }

    return Number(process.versions.node.split('.')[0]) < node
        && `needs Node.js ${node}, this is ${process.version}`;
}


/*
 * A suite with a gateway of its own, which ends with a look at what nginx
 * has left in its logs; node is the release of Node.js that it needs.  The
 * suites of client.mjs are run with two releases of OpenAI's SDK, these once.
 */

export function describeNative(title, suite, node = 18) {
    describe(title, { skip: unfit(node) }, () => {
        const holder = {};

        before(async () => {
            holder.gateway = await NativeGateway.start();
        });

        suite(() => holder.gateway);

        it('leaves clean logs and nothing open', async () => {
            assert.equal(await holder.gateway.stop(), '');
        });

        after(async () => {
            await holder.gateway?.cleanup();
        });
    });
}


/* Checks the members of an object that are named; the rest is free. */

export function has(object, expected, what = '') {
    for (const [name, value] of Object.entries(expected)) {
        const at = `${name} of ${what || JSON.stringify(object)}`;

        if (value instanceof RegExp) {
            assert.match(String(object[name]), value, at);
        } else {
            assert.deepEqual(object[name], value, at);
        }
    }
}
