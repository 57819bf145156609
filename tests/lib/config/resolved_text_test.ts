import assert from "node:assert/strict";
import { resolvedText } from "../../../lib/config/resolved_text.ts";
import { configOf } from "./loading.ts";

Deno.test("a small file is told in full", async () => {
  const config = await configOf(`
listen_port = 443
tcp_target = ["db.example.com:5432", { address = "[::1]:5432", weight = 2 }]
[protocols.web]
protocol = "http"
hosts = ["example.com"]
action = "reject"
acl = { deny = ["10.0.0.0/8"], message = "no\\n" }
[protocols.game]
protocol = "regex"
transport = "tcp"
patterns = ['^\\d"']
target = ["a:1"]
`);
  assert.equal(
    resolvedText(config),
    `tcp_max_connections = 1024
udp_max_connections = 2048
drain_timeout = "30s"
engine = "auto"
threads = 1
dns_cache_min_ttl = "30s"
dns_cache_max_ttl = "1h"

[listeners.default]
listen_port = 443
listen_address_v4 = ["0.0.0.0"]
tcp_backlog = 1024
tcp_recv_proxy_protocol = false
probe_timeout = "5s"
probe_max_bytes = 32768
on_probe_timeout = "default"
connect_timeout = "5s"
connect_retries = 2
tcp_idle_timeout = "1h"
tcp_keepalive = "1m"
tcp_target = ["db.example.com:5432", { address = "[::1]:5432", weight = 2 }]
tcp_load_balance = "none"
tcp_send_proxy_protocol = "none"

[listeners.default.protocols.web]
protocol = "http"
hosts = ["example.com"]
action = "reject"

[listeners.default.protocols.web.acl]
deny = ["10.0.0.0/8"]
message = "no\\n"

[listeners.default.protocols.game]
protocol = "regex"
transport = "tcp"
patterns = ["^\\\\d\\""]
min_length = 32
action = "forward"
target = ["a:1"]
load_balance = "none"
send_proxy_protocol = "none"
`,
  );
});

Deno.test("a small file for UDP is told in full", async () => {
  const config = await configOf(`
listen_port = 443
listen_ipv6 = true
admin_address = "[::1]:9090"
udp_target = ["a:1"]
udp_max_connections = 9
[protocols.http3]
protocol = "quic"
target = ["a:1"]
load_balance = "quic_cid"
[protocols.names]
protocol = "dns"
dns_names = ["example.com"]
action = "reject"
[listeners.vpn]
listen_port = 1194
udp_max_connections = 5
max_flows_per_ip = 3
[listeners.vpn.protocols.udp]
protocol = "syslog"
transport = "udp"
target = ["a:1"]
[listeners.vpn.protocols.vpn]
protocol = "openvpn"
target = ["a:1"]
idle_lifetime = 0
[listeners.vpn.protocols.web]
protocol = "tls"
target = ["a:1"]
`);
  assert.equal(
    resolvedText(config),
    `tcp_max_connections = 1024
udp_max_connections = 9
drain_timeout = "30s"
engine = "auto"
threads = 1
admin_address = "[::1]:9090"
dns_cache_min_ttl = "30s"
dns_cache_max_ttl = "1h"

[listeners.default]
listen_port = 443
listen_address_v4 = ["0.0.0.0"]
listen_address_v6 = ["::"]
udp_probe_timeout = "1s"
follow_clients = true
flow_memory = "10m"
udp_target = ["a:1"]
udp_load_balance = "none"
udp_idle_lifetime = "30s"
udp_reply_timeout = "0s"

[listeners.default.protocols.http3]
protocol = "quic"
action = "forward"
target = ["a:1"]
load_balance = "quic_cid"
idle_lifetime = "30s"
reply_timeout = "2s"

[listeners.default.protocols.names]
protocol = "dns"
dns_names = ["example.com"]
action = "reject"

[listeners.vpn]
listen_port = 1194
listen_address_v4 = ["0.0.0.0"]
listen_address_v6 = ["::"]
tcp_backlog = 1024
tcp_recv_proxy_protocol = false
probe_timeout = "5s"
probe_max_bytes = 32768
on_probe_timeout = "default"
connect_timeout = "5s"
connect_retries = 2
tcp_idle_timeout = "1h"
tcp_keepalive = "1m"
udp_max_connections = 5
max_flows_per_ip = 3
udp_probe_timeout = "1s"
follow_clients = true
flow_memory = "10m"

[listeners.vpn.protocols.udp]
protocol = "syslog"
transport = "udp"
action = "forward"
target = ["a:1"]
load_balance = "none"
idle_lifetime = "30s"
reply_timeout = "0s"

[listeners.vpn.protocols.vpn]
protocol = "openvpn"
action = "forward"
target = ["a:1"]
load_balance = "none"
send_proxy_protocol = "none"
idle_lifetime = "0s"
reply_timeout = "2s"

[listeners.vpn.protocols.web]
protocol = "tls"
action = "forward"
target = ["a:1"]
load_balance = "none"
send_proxy_protocol = "none"
`,
  );
});

const ECH_CONFIG_LIST =
  "AEH+DQA9KgAgACCw0I81tGgzgUia+zKCXlkVLUfRm8ngUNbVqVSYTJ0eLAAEAAEAASAOcHVibGljLmV4YW1wbGUAAA==";
const PRIVATE_KEY = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=";

Deno.test("private keys are not told", async () => {
  const config = await configOf(`
listen_port = 443
[protocols.web]
protocol = "tls"
target = ["a:1"]
[protocols.web.ech]
ech_config_list = "${ECH_CONFIG_LIST}"
private_keys = ["${PRIVATE_KEY}"]
private_server_names = ["hidden.example", "other.example:1"]
`);
  const text = resolvedText(config);
  assert.ok(!text.includes(PRIVATE_KEY));
  assert.ok(text.endsWith(`[listeners.default.protocols.web.ech]
ech_config_list = "${ECH_CONFIG_LIST}"
private_keys = ["not shown"]
private_server_names = ["hidden.example:443", "other.example:1"]
`));
});
