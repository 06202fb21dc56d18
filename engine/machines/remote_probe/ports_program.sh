# Runs on the remote machine where there is no Python 3.6: as ports_program.py. Without a way to bind, a port counts as free when
# nobody listens on it on any address (/proc/net/tcp of proc(5), else netstat), and an address when it is one of the machine's.

nonce=$1
host=$2
count=$3
shift 3

own_addresses() {
    echo 127.0.0.1
    if command -v ip >/dev/null 2>&1; then
        ip -4 -o addr show | awk '{ for (i = 1; i < NF; i++) if ($i == "inet") print $(i + 1) }'
    else
        ifconfig 2>/dev/null | awk '{ for (i = 1; i < NF; i++) if ($i == "inet") print $(i + 1) }'
    fi | awk '{ sub(/^addr:/, ""); sub(/\/.*/, ""); print }'
}

taken() {
    if [ -r /proc/net/tcp ]; then
        cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { n = split($2, part, ":"); print "x" part[n] }'
    else
        netstat -an -p tcp 2>/dev/null | awk '/LISTEN/ { n = split($4, part, /[.:]/); print part[n] }'
    fi
}

free=''
if own_addresses | grep -qxF "$host"; then
    free=$(taken | awk -v count="$count" -v ranges="$*" '
        { taken[$1] }
        END {
            n = split(ranges, range, " ")
            for (i = 1; i <= n; i++) {
                split(range[i], part, "-")
                for (port = part[1] + 0; port <= part[2] + 0 && found < count; port++)
                    if (!(port in taken) && !(sprintf("x%04X", port) in taken)) printf "%s%d", (found++ ? "," : ""), port
            }
        }')
fi
printf '\n%s\n{"format":1,"free":[%s]}\n%s\n' "$nonce" "$free" "$nonce"
