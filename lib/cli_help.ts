/**
 * What `--help` says beyond the lists of commands and options.
 *
 * @module
 */
import { LOG_FILE_SIZE, LOG_FILES_KEPT } from "./log_files.ts";

export const PROGRAM_HELP = `
Examples:
  sluice demo
  sluice init && sluice --config sluice.toml
  sluice check -c sluice.toml
  sluice explain -c sluice.toml --sni a.example --alpn h2

Exit codes: 0 good, 1 failure at run time, 2 bad configuration or usage.`;

export const RUN_HELP = `
Logs: its own lines go to stderr, a line for each connection that has ended to
stdout. With --log-dir they go to sluice.log and access.log in that directory,
which is made if it is missing. A file that would outgrow ${
  LOG_FILE_SIZE / 1024 / 1024
} MiB becomes .1,
what was .1 becomes .2, and so on; ${LOG_FILES_KEPT} old ones are kept. SIGHUP opens the files
anew, for a tool that moves them away.

Reload: within a second of a change of the file, and on SIGHUP. All of it or
nothing: a file with problems changes nothing, and is reported once. Open
connections go on.

End: on SIGTERM or SIGINT it stops listening and lets connections end, for
drain_timeout at most, then exits with 0. A second signal closes them at once
and exits with 1.

Examples:
  sluice --config sluice.toml --log-level debug
  sluice --config sluice.toml --log-format json | jq 'select(.reason != "ended")'
  sluice --config sluice.toml --log-dir /var/log/sluice`;

export const CHECK_HELP = `
Examples:
  sluice check -c sluice.toml
  sluice -t -c sluice.toml && kill -HUP "$(pidof sluice)"`;

export const EXPLAIN_HELP = `
Without any bytes it explains a client of TCP that says nothing. Each TCP
connection and UDP flow of a capture is explained, as the client that it shows.

Examples:
  sluice explain -c sluice.toml --sni a.example --alpn h2,http/1.1 --from 192.0.2.7
  sluice explain -c sluice.toml --udp --sni a.example --alpn h3
  sluice explain -c sluice.toml --dns-name a.example
  sluice explain -c sluice.toml --hex '5353482d322e30' --listener ssh
  sluice explain -c sluice.toml --file capture.pcap --json
  printf 'GET / HTTP/1.1\\r\\nHost: a.example\\r\\n\\r\\n' | sluice explain -c sluice.toml --file -`;

export const DEMO_HELP = `
It starts small backends and a proxy in front of them on free ports of this
machine, sends real traffic of every protocol through its one port, and prints
where each connection went.`;

export const EDGE_HELP = `
An agent logs in with its token, and knows the edge by the pin of its
certificate. The edge's configuration has no more than a hash of the token.

Examples:
  sluice edge token alice
  sluice edge pin -c sluice.toml`;

export const HEALTH_HELP = `
It asks /readyz at admin_address, which has to be set. Exit codes: 0 ready,
1 not ready or not there, 2 no telling.`;
