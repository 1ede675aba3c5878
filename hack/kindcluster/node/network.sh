#!/bin/sh
# The pod network of a node: addresses from its own range, a route to every other node's, and what leaves the
# pods' network goes out by the node's name. /kind/pod-network holds the ranges, one line a node:
# its name, its range; the first line has the whole network's.
set -eu
[ -s /kind/pod-network ] || exit 0
read -r _ whole < /kind/pod-network
own=$(awk -v name="$(hostname)" '$1 == name { print $2 }' /kind/pod-network)
tail -n +2 /kind/pod-network | while read -r name range; do
    [ "$name" = "$(hostname)" ] && continue
    address=$(getent ahostsv4 "$name" | awk 'NR == 1 { print $1 }')
    [ -z "$address" ] || ip route replace "$range" via "$address"
done
iptables -w -t nat -C POSTROUTING -s "$own" ! -d "$whole" -j MASQUERADE 2>/dev/null ||
    iptables -w -t nat -A POSTROUTING -s "$own" ! -d "$whole" -j MASQUERADE
mkdir -p /etc/cni/net.d
cat > /etc/cni/net.d/.new <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "ptp", "mtu": 1500, "ipam": {"type": "host-local", "dataDir": "/run/cni-addresses",
   "ranges": [[{"subnet": "$own"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
mv /etc/cni/net.d/.new /etc/cni/net.d/10-pods.conflist
