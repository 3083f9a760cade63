#!/usr/bin/env bash
# A real systemd as PID 1 of its own namespaces, over a throw-away copy of this machine's file system.
#
#   boot.sh up FOLDER TREE    boot; TREE is laid over / and FOLDER keeps what `in` and `down` need
#   boot.sh in FOLDER CMD...  run a command inside
#   boot.sh down FOLDER       shut down
#
# What is written inside goes to a tmpfs and is gone afterwards; inside there is no network but loopback. Needs root, a
# cgroup2 mount and util-linux.
set -euo pipefail
readonly PATH_INSIDE=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

up() {
  local folder=$1 tree=$2 cgroup launcher init state
  cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/tradingd-test-$$
  mkdir "$cgroup"
  echo "$cgroup" > "$folder/cgroup"
  # From a cgroup of its own, so that the new cgroup namespace has that for its root.
  (
    echo "$BASHPID" > "$cgroup/cgroup.procs"
    exec setsid unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child --propagation private \
      bash "$0" become-init "$folder" "$tree"
  ) < /dev/null > "$folder/boot.log" 2>&1 &
  launcher=$!
  for _ in $(seq 300); do
    init=$(pgrep -P "$launcher" || true)
    if [[ -n $init && $(cat "/proc/$init/comm" 2> /dev/null) == systemd ]]; then
      echo "$init" > "$folder/init"
      # Degraded will do: units of the host that have no place here may fail.
      state=$(inside "$folder" systemctl is-system-running 2> /dev/null || true)
      [[ $state == running || $state == degraded ]] && return 0
    fi
    kill -0 "$launcher" 2> /dev/null || break
    sleep 0.1
  done
  echo "systemd did not come up:" >&2
  cat "$folder/boot.log" >&2
  return 1
}

become_init() {
  local folder=$1 tree=$2 top=$1/top root=$1/top/root
  mkdir "$top"
  mount -t tmpfs -o size=1g,mode=755 tradingd-test "$top"
  mkdir "$top/upper" "$top/work" "$root"
  mount -t overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" overlay "$root"
  cp -RP "$tree/." "$root/"
  : > "$root/etc/machine-id"
  mount -t proc proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs -o ro sysfs "$root/sys" # read-only, or systemd starts udev
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 run "$root/run"
  mount -t tmpfs -o mode=1777 tmp "$root/tmp"
  make_devices "$root/dev"
  ip link set lo up
  hostname tradingd-test
  cd "$root"
  mkdir -p .host
  pivot_root . .host # refused where the new root is already shared
  umount -l /.host
  mount --make-rshared /
  # basic.target: the services that the host has enabled stay out of this.
  exec env -i container=tradingd-test PATH=$PATH_INSIDE /lib/systemd/systemd --unit=basic.target
}

make_devices() {
  local dev=$1 name major minor
  mount -t tmpfs -o mode=755 dev "$dev"
  while read -r name major minor; do
    mknod -m 666 "$dev/$name" c "$major" "$minor"
  done <<< $'null 1 3\nzero 1 5\nfull 1 7\nrandom 1 8\nurandom 1 9\ntty 5 0'
  mkdir "$dev/pts" "$dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$dev/pts"
  mount -t tmpfs -o mode=1777 shm "$dev/shm"
  ln -s pts/ptmx "$dev/ptmx"
  ln -s /proc/self/fd "$dev/fd"
}

inside() {
  local folder=$1
  shift
  nsenter -t "$(cat "$folder/init")" -m -p -u -i -n -C -r -w \
    env -i LANG=C.UTF-8 TERM=dumb PATH=$PATH_INSIDE "$@"
}

down() {
  local folder=$1 init cgroup
  cgroup=$(cat "$folder/cgroup")
  if init=$(cat "$folder/init" 2> /dev/null); then
    kill -s RTMIN+3 "$init" 2> /dev/null || true # halt
    for _ in $(seq 100); do
      kill -0 "$init" 2> /dev/null || break
      sleep 0.1
    done
    kill -9 "$init" 2> /dev/null || true
  fi
  for _ in $(seq 50); do
    find "$cgroup" -depth -type d -exec rmdir {} + 2> /dev/null || true
    [[ -d $cgroup ]] || return 0
    sleep 0.1
  done
  echo "left behind: $cgroup" >&2
  return 1
}

command=$1
shift
case $command in
  up) up "$@" ;;
  become-init) become_init "$@" ;;
  in) inside "$@" ;;
  down) down "$@" ;;
  *) exit 2 ;;
esac
