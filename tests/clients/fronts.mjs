// nginx and HAProxy in front of a server, with a throw-away certificate. Their configuration is the text of
// docs/proxy.md: only addresses, files, limits and times are put in.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, start } from "./processes.mjs";
import { within } from "./telegram.mjs";

const DOCS = fileURLToPath(new URL("../../docs/proxy.md", import.meta.url));
const folders = [];
process.on("exit", () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const programs = { nginx: ["/usr/sbin/nginx", "/usr/local/sbin/nginx"], haproxy: ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"] };

export const programOf = (kind) => programs[kind].find((path) => existsSync(path));

/** The blocks of this language in the documentation. */
function blocks(kind) {
  const text = readFileSync(DOCS, "utf8");
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter((found) => found[1] === kind).map((found) => found[2]);
}

/** Replaces what must be there, so that a change of the documentation is not missed. */
function put(text, pairs) {
  return pairs.reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`docs/proxy.md has no "${from}"`);
    return changed.replaceAll(from, to);
  }, text);
}

const forms = {
  nginx: ({ folder, port, server, change }) => {
    const [main, site] = blocks("nginx");
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`);
    const text = put(`${main}http {\naccess_log off;\n${temporary.join("\n")}\n${site}}\n`, [
      ["worker_rlimit_nofile 40000", "worker_rlimit_nofile 8000"], ["worker_connections 20000", "worker_connections 4000"],
      ["127.0.0.1:8080", server], ["listen 443 ", `listen 127.0.0.1:${port} `], ["/etc/ssl/hub.example.com.pem", `${folder}/both.pem`],
    ]);
    const user = process.getuid() === 0 ? "user root;\n" : "";
    return { text: change(`${user}daemon off;\npid ${folder}/pid;\nerror_log stderr;\n${text}`), args: ["-p", folder, "-c"], reload: "SIGHUP" };
  },
  haproxy: ({ folder, port, server, change }) => {
    const text = put(blocks("haproxy")[0], [
      ["maxconn 40000", "maxconn 3000"], ["127.0.0.1:8080", server], ["bind :443 ", `bind 127.0.0.1:${port} `], ["/etc/ssl/hub.example.com.pem", `${folder}/both.pem`],
    ]);
    return { text: change(text), args: ["-W", "-f"], reload: "SIGUSR2" };
  },
};

/** `server` is the host and port behind it. A reload waits for a second, and with `quick` times of quiet are a tenth. */
export async function startFront(kind, server, { port, quick = false, change = (text) => text } = {}) {
  const folder = mkdtempSync(join(tmpdir(), `hubbub-${kind}-`));
  folders.push(folder);
  await run("openssl", "openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", `${folder}/key.pem`, "-out", `${folder}/ca.pem`]);
  const ca = readFileSync(`${folder}/ca.pem`, "utf8");
  writeFileSync(`${folder}/both.pem`, ca + readFileSync(`${folder}/key.pem`, "utf8"));
  port ??= await freePort();
  const shorter = (text) => put(text, [["30s", "1s"], ...(quick ? [["60s", "6s"]] : [])]);
  const { text, args, reload } = forms[kind]({ folder, port, server, change: (text) => change(shorter(text)) });
  writeFileSync(`${folder}/configuration`, text);
  const proxy = start(kind, programOf(kind), [...args, `${folder}/configuration`], {}, undefined, true);
  await within(`${kind} listens`, Promise.race([listens(port), proxy.over.then(() => {
    throw new Error(`${kind} ended:\n${proxy.output()}`);
  })]));
  return {
    kind,
    port,
    ca,
    origin: `https://localhost:${port}`,
    output: proxy.output,
    reload: () => proxy.child.kill(reload),
    async stop() {
      proxy.child.kill("SIGTERM");
      await within(`${kind} ends`, proxy.over);
    },
  };
}

export async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function listens(port) {
  const tried = () => new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
  while (!(await tried())) await new Promise((later) => setTimeout(later, 20));
}

/** A change of the configuration: nginx buffers bodies unless told not to, HAProxy only when told to. */
export function otherwise(kind) {
  const buffering = {
    nginx: ["    proxy_http_version", "    proxy_buffering off;\n    proxy_request_buffering off;\n    proxy_http_version"],
    haproxy: ["    mode http", "    mode http\n    option http-buffer-request"],
  };
  return (text) => put(text, [buffering[kind]]);
}
