#!/usr/bin/env bash
# Test of sweeps on a real SLURM: install Debian's SLURM, start it on this machine, sweep, interrupt, check its accounting, stop it.
#
# Run as root on Debian, with or without systemd. Two nodes are emulated, each by a slurmd of its own; their names stand in /etc/hosts
# meanwhile. Apart from packages, all other files are in a temporary folder. PYTHON=… names an interpreter with the extra test; otherwise
# make creates one in .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then echo "error: installing and starting SLURM takes root" >&2; exit 1; fi
if command -v sinfo >/dev/null && sinfo >/dev/null 2>&1; then
    echo "error: a SLURM answers here already: run python -m pytest tests/sweeps/test_slurm.py tests/faults/test_slurm_requeue.py" >&2; exit 1
fi
if [ -z "${PYTHON:-}" ]; then make .venv/test.stamp; PYTHON=.venv/bin/python; fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends slurm-wlm slurmdbd munge mariadb-server >/dev/null

work=$(mktemp -d)
chmod 755 "$work"   # munged needs a socket that everybody can reach
mkdir "$work/state" "$work/spool"
install -d -o mysql "$work/db"
pids=()

stop() {
    status=$?
    trap - EXIT
    [ "$status" = 0 ] || tail -n 20 "$work"/*.log
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" && wait "${pids[i]}" || true; done
    grep -v " seqlab-node1 seqlab-node2$" /etc/hosts >"$work/hosts"; cat "$work/hosts" >/etc/hosts
    rm -rf "$work"
    echo "stopped"
    exit "$status"
}
trap stop EXIT

start() {   # a daemon in the foreground of a job of this shell, its output in a log
    local name=$1; shift
    "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
}

until_answers() {
    for _ in $(seq 60); do "$@" >/dev/null 2>&1 && return; sleep 0.5; done
    echo "error: no answer to: $*" >&2; exit 1
}

dd if=/dev/urandom of="$work/munge.key" bs=1024 count=1 status=none
chmod 600 "$work/munge.key"
cat >"$work/slurmdbd.conf" <<END
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
DbdHost=localhost
SlurmUser=root
StorageType=accounting_storage/mysql
StorageUser=root
PidFile=$work/slurmdbd.pid
END
chmod 600 "$work/slurmdbd.conf"
cat >"$work/slurm.conf" <<END
ClusterName=seqlab
SlurmctldHost=$(hostname -s)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePass=$work/munge.socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool/%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd-%n.pid
SlurmdParameters=config_overrides
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
NodeName=seqlab-node[1-2] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=$(nproc) RealMemory=$(free -m | awk '/^Mem:/ { print int($2 / 2) }') State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
END
export SLURM_CONF=$work/slurm.conf MYSQL_UNIX_PORT=$work/db/socket

start munged munged --foreground --key-file="$work/munge.key" --socket="$work/munge.socket" \
    --pid-file="$work/munged.pid" --seed-file="$work/munged.seed"
mariadb-install-db --no-defaults --user=mysql --datadir="$work/db" --auth-root-authentication-method=normal \
    --skip-test-db >/dev/null
start mariadbd mariadbd --no-defaults --user=mysql --datadir="$work/db" --socket="$MYSQL_UNIX_PORT" --skip-networking
until_answers mariadb-admin --socket="$MYSQL_UNIX_PORT" ping
until_answers munge -n --socket="$work/munge.socket"
start slurmdbd slurmdbd -D
until_answers sacctmgr -i show cluster
sacctmgr -i add cluster seqlab >/dev/null
start slurmctld slurmctld -D
until_answers scontrol ping
echo "127.0.0.1 seqlab-node1 seqlab-node2" >>/etc/hosts   # a process of a run on two nodes finds the first by its name
for node in 1 2; do start "slurmd$node" slurmd -D -N "seqlab-node$node"; done
until_answers srun --immediate=1 true
sinfo --version
sinfo

while sleep 1; do squeue --noheader --format="%i %j %T %C %m" || true; done >"$work/squeue.log" 2>&1 &
pids+=($!)
"$PYTHON" -m pytest -n 0 -rP tests/sweeps/test_slurm.py tests/faults/test_slurm_requeue.py -p no:cacheprovider

echo "squeue saw (job, name, state, cores, memory):"
sort -u "$work/squeue.log"
echo "scontrol shows:"
scontrol --oneliner show job | grep "JobName=seqlab" | grep -oE "\b(JobId|JobState|ExitCode|RunTime)=\S+" | paste - - - -
echo "sacct counts:"
sacct --allocations --name=seqlab --format=JobID,JobName,State,Elapsed,ExitCode
grep -q "seqlab RUNNING" "$work/squeue.log"
[ "$(sacct --allocations --noheader --parsable2 --name=seqlab --format=State | sort | uniq -c | xargs)" = "18 COMPLETED" ]
echo "SLURM saw twelve jobs of one run, one of them on two nodes, and six of many runs complete, nine of them after a requeue"
