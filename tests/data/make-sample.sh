#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes tests/data/sample.pcap (or the file given) from traffic of its own: two
# network namespaces joined by a veth pair, one host in each. Needs root, tcpdump,
# curl, openssl, python3 and iproute2; touches no interface outside.
#
#   client 192.0.2.1  2001:db8::1 ---- server 192.0.2.2  2001:db8::2
#          VLAN 7: .129                       .130
#          QinQ 100.8: .193                   .194
#
# The tags are put on and taken off in user space, so no 8021q module is needed.
set -euo pipefail

out=$(realpath "${1:-$(dirname "$0")/sample.pcap}")
if [ "${MAKE_SAMPLE_INSIDE:-}" != yes ]; then
	MAKE_SAMPLE_INSIDE=yes exec unshare -n -m -p -f --kill-child --mount-proc \
		bash "$0" "$out"
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# offloads_off INTERFACE: whole checksums and no segments larger than a frame.
# SIOCETHTOOL with ETHTOOL_STXCSUM, _STSO, _SGSO and _SGRO set to 0.
offloads_off()
{
	python3 - "$1" <<'PYTHON'
import array, fcntl, socket, struct, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for command in (0x17, 0x1f, 0x24, 0x2c):
    value = array.array("B", struct.pack("II", command, 0))
    fcntl.ioctl(sock, 0x8946, struct.pack("16sQ8x", sys.argv[1].encode(),
                                          value.buffer_info()[0]))
PYTHON
}

# host INTERFACE N MAC: addresses, VLAN and QinQ of one side.
host()
{
	local dev=$1 n=$2 mac=$3

	sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	ip link set lo up
	offloads_off "$dev"
	ip link set "$dev" address "$mac" up
	ip address add 192.0.2.$n/25 dev "$dev"
	ip address add 2001:db8::$n/64 dev "$dev" nodad
	for tagged in "vlan7 $((128 + n))" "qinq $((192 + n))"; do
		set -- $tagged
		ip link add name "$1" type veth peer name "$1-wire"
		sysctl -qw net.ipv6.conf.$1.disable_ipv6=1 \
			net.ipv6.conf.$1-wire.disable_ipv6=1
		offloads_off "$1"
		ip link set "$1" address "$(printf '%s:%02x' "${mac%:*}" "$2")" up
		ip link set "$1-wire" up
		ip address add 192.0.2.$2/26 dev "$1"
	done
	python3 tagger.py "$dev" &
}

# Joins vlan7-wire and qinq-wire to the interface given, with their tags.
cat > tagger.py <<'PYTHON'
import select, socket, struct, sys
TAGS = {"vlan7-wire": bytes.fromhex("81000007"),
        "qinq-wire": bytes.fromhex("88a8006481000008")}
def open_socket(name):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA
    sock.bind((name, 0))
    return sock
wire = open_socket(sys.argv[1])
sides = {open_socket(name): tags for name, tags in TAGS.items()}
while True:
    for sock in select.select([wire, *sides], [], [])[0]:
        frame, control, _, address = sock.recvmsg(65536, 64)
        if address[2] == 4:  # PACKET_OUTGOING
            continue
        status, tci, tpid = struct.unpack("I12xHH", control[0][2])
        if status & 16:  # TP_STATUS_VLAN_VALID
            frame = frame[:12] + struct.pack(">HH", tpid, tci) + frame[12:]
        if sock is not wire:
            tags = sides[sock]
            wire.send(frame[:12] + tags + frame[12:])
            continue
        for side, tags in sides.items():
            if frame[12:12 + len(tags)] == tags:
                side.send(frame[:12] + frame[12 + len(tags):])
PYTHON

cat > dns-server.py <<'PYTHON'
import socket, struct
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("192.0.2.2", 53))
while True:
    query, peer = sock.recvfrom(512)
    end = query.index(b"\0", 12) + 5
    kind = struct.unpack(">H", query[end - 4:end - 2])[0]
    data = {1: bytes([192, 0, 2, 2]),
            28: bytes.fromhex("20010db8000000000000000000000002")}.get(kind)
    missing = data is None or b"missing" in query
    flags = 0x8583 if missing else 0x8580
    reply = query[:2] + struct.pack(">5H", flags, 1, 0 if missing else 1, 0, 0)
    reply += query[12:end]
    if not missing:
        reply += struct.pack(">HHHIH", 0xc00c, kind, 1, 300, len(data)) + data
    sock.sendto(reply, peer)
PYTHON

cat > dns-client.py <<'PYTHON'
import socket, struct
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(2)
for number, name in enumerate(
        ["www.example.com", "mail.example.com", "example.org", "ns1.example.net",
         "missing.example.com", "static.example.org", "api.example.com"]):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    for kind in (1, 28):
        sock.sendto(struct.pack(">6H", 0x1000 + number * 2 + (kind == 28), 0x100,
                                1, 0, 0, 0) +
                    labels + struct.pack(">BHH", 0, kind, 1), ("192.0.2.2", 53))
        sock.recv(512)
PYTHON

mkdir www
echo '<!doctype html><title>sample</title><p>Made for tapfeed.' > www/index.html
python3 -c 'print("tapfeed sample line\n" * 500)' > www/lines.txt
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
	-subj /CN=www.example.com -keyout key.pem -out cert.pem 2> /dev/null

# The server's namespace lives as long as this sleep.
unshare -n sleep 300 &
server=$!
for try in $(seq 50); do
	[ "$(readlink /proc/$server/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break
	sleep 0.1
done
on_server()
{
	nsenter -t "$server" -n "$@"
}
ip link add client0 type veth peer name server0 netns "$server"
export -f host offloads_off
host client0 1 02:00:00:00:00:01
on_server bash -ec 'host server0 2 02:00:00:00:00:02'

on_server python3 dns-server.py &
on_server python3 -m http.server -d www --bind 192.0.2.2 80 > http.log 2>&1 &
on_server python3 -m http.server -d www --bind 2001:db8::2 80 > http.log 2>&1 &
on_server python3 -m http.server -d www --bind 192.0.2.130 80 > http.log 2>&1 &
on_server openssl s_server -quiet -www -accept 443 -cert cert.pem -key key.pem \
	2> /dev/null > /dev/null &
sleep 1.5

ip neighbour flush dev client0
tcpdump -i client0 --immediate-mode -U -s 0 -Z root -w sample.pcap 2> tcpdump.log &
tcpdump=$!
until grep -q listening tcpdump.log; do sleep 0.05; done

python3 dns-client.py
ping -q -n -c 12 -i 0.02 192.0.2.2 > ping.log
ping -q -n -c 3 -i 0.02 -s 1400 192.0.2.2 > ping.log
for path in index.html lines.txt missing.html index.html; do
	curl -s -o /dev/null "http://192.0.2.2/$path"
done
ping -q -n -c 10 -i 0.02 2001:db8::2 > ping.log
curl -s -o /dev/null "http://[2001:db8::2]/lines.txt"
curl -s -o /dev/null "http://[2001:db8::2]/index.html"
ping -q -n -c 5 -i 0.02 192.0.2.130 > ping.log
curl -s -o /dev/null http://192.0.2.130/index.html
ping -q -n -c 4 -i 0.02 192.0.2.194 > ping.log
for version in -tls1_2 -tls1_3; do
	printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -quiet $version \
		-servername www.example.com -connect 192.0.2.2:443 2> /dev/null > /dev/null
done
sleep 0.5
kill -INT "$tcpdump"
wait "$tcpdump" || true
cat sample.pcap > "$out"
tcpdump -r "$out" -nn 2> /dev/null | wc -l | xargs echo "frames:"
wc -c < "$out" | xargs echo "bytes:"
