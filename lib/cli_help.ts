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

export const EXPOSE_HELP = `
The edge is known by the pin of its certificate, by the authorities of a file,
or by those of the system. The token is in a file or a variable, never on the
command line, which other users of the machine see.

In a file there may be many endpoints, each a table of endpoints with the same
keys as these options: kind, service, name, port, allow, and so on. A change of
the file is taken up within a second, and on SIGHUP; what it does not change is
not touched.

A line for each request, and for each visitor over tls, tcp and udp, goes to
stdout; what happens besides to stderr. When the edge is lost it is tried again
until it is back, and names and ports are as before.

End: on SIGTERM or SIGINT it says goodbye and lets visitors go on, for 10 s at
most. A second signal ends it at once. Exit codes: 0 after a signal, 1 if the
edge does not know the token or takes it no longer, or speaks another version,
2 bad configuration or usage.

Examples:
  sluice expose http 3000 --name blog --edge tunnel.example.com --token-file t --pin 7d0a…
  sluice expose tcp 22 --port 20001 --edge tunnel.example.com:443 --token-file t --ca ca.pem
  sluice expose udp 51820 --edge tunnel.example.com --token-file t --allow 192.0.2.0/24
  sluice expose -c agent.toml --log-format json`;

export const HEALTH_HELP = `
It asks /readyz at admin_address, which has to be set. Exit codes: 0 ready,
1 not ready or not there, 2 no telling.`;
