# The program of a spawn helper: it starts what its parent orders, says how each program ended, and ends with its parent.
#
# It is written in Perl, which every Debian has, because Node cannot do in a child what is needed between fork and exec: with Node two more
# programs (setpriv, prlimit) would have to be executed in front of each step's, and they cost four times as much as a small step itself.
# Only the core language and POSIX are used. What is read and written is described in wire.ts.
#
# Arguments: the parent's pid, and the numbers of the system calls prctl, prlimit64 and signalfd4 on this machine.
use strict;
use warnings;
use POSIX ();

# Numbers, because syscall() hands on a text as its address.
my ($parent, $prctl, $prlimit, $signalfd) = map { $_ + 0 } @ARGV;
my $self = $$;
my ($death_signal, $rttime) = (1, 15);    # PR_SET_PDEATHSIG, RLIMIT_RTTIME
$0 = 'tocsin-spawn';

# Beyond 2, so exec closes it. A child says there what it could not do.
open(my $report, '>&', \*STDOUT) or die "no way to report: $!\n";

sub say_report { syswrite($report, join(' ', @_) . "\n") }

# This process and each program die with the process that started them, also by KILL.
sub die_with {
  my ($owner) = @_;
  syscall($prctl, $death_signal, POSIX::SIGKILL(), 0, 0, 0) == 0 or return 0;
  return getppid() == $owner;
}

# A stop is for the parent to carry out: steps are told first. The parent's end closes the input.
$SIG{$_} = 'IGNORE' for qw(TERM INT HUP);
die_with($parent) or die "it cannot be tied to its parent\n";

# Where limits may not be set (seccomp), others can start programs without the mark: this one would fail at each.
my $limits = pack('QQ', 0, 0);
syscall($prlimit, 0, $rttime, 0, $limits) == 0 && syscall($prlimit, 0, $rttime, $limits, 0) == 0
  or die "limits cannot be set: $!\n";
opendir(my $descriptors, "/proc/$parent/fd") or die "no /proc/$parent/fd: $!\n";
closedir($descriptors);

# The end of a program is read like any other input, so that none is missed between two looks.
my $chld = POSIX::SigSet->new(POSIX::SIGCHLD());
POSIX::sigprocmask(POSIX::SIG_BLOCK(), $chld) or die "SIGCHLD cannot be held back: $!\n";
my $mask = pack('Q', 1 << (POSIX::SIGCHLD() - 1));
my $ended = syscall($signalfd, -1, $mask, 8, 02004000);    # SFD_CLOEXEC | SFD_NONBLOCK
$ended >= 0 or die "no signalfd: $!\n";

my %id_of;

sub reopen {
  my ($from, $flags) = @_;
  return POSIX::open($from eq '' ? '/dev/null' : "/proc/$parent/fd/$from", $flags);
}

sub close_all { defined $_ and POSIX::close($_) for @_ }

sub begin {
  my ($id, $stdin, $stdout, $stderr, $soft, $hard, $cwd, $count, $file, @rest) = split(/\0/, $_[0], -1);
  my @args = splice(@rest, 0, $count);
  # Before the answer, after which the parent closes its own. Opening waits for nobody: the parent holds both ends.
  my @ends = (reopen($stdin, POSIX::O_RDONLY()), reopen($stdout, POSIX::O_WRONLY()), reopen($stderr, POSIX::O_WRONLY()));
  my $pid = @ends == grep({ defined } @ends) ? fork() : undef;
  my $errno = $! + 0;
  if ($pid || !defined $pid) {
    close_all(@ends);
    return say_report('f', $id, $errno) unless defined $pid;
    $id_of{$pid} = $id;
    return say_report('s', $id, $pid);
  }
  eval {
    die_with($self) or die;
    # A session and process group of its own, so that a signal to the group reaches only the program and its descendants.
    POSIX::setsid();
    if ($soft ne '') { syscall($prlimit, 0, $rttime, pack('QQ', $soft, $hard), 0) == 0 or die }
    chdir($cwd) or die;
    POSIX::dup2($ends[$_], $_) for 0 .. 2;
    close_all(@ends);
    $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
    POSIX::sigprocmask(POSIX::SIG_UNBLOCK(), $chld);
    %ENV = map { split(/=/, $_, 2) } @rest;
    no warnings 'exec';
    exec { $file } $file, @args;
  };
  say_report('f', $id, $! + 0 || POSIX::EPERM());
  POSIX::_exit(127);
}

sub reap {
  POSIX::read($ended, my $signals, 4096);
  while ((my $pid = waitpid(-1, POSIX::WNOHANG())) > 0) {
    my $id = delete $id_of{$pid};
    next unless defined $id;
    my $signal = $? & 127;
    $signal ? say_report('k', $id, $signal) : say_report('x', $id, $? >> 8);
  }
}

say_report('r');
my ($input, $both) = ('', '');
vec($both, 0, 1) = 1;
vec($both, $ended, 1) = 1;
while (1) {
  my $ready = $both;
  next if select($ready, undef, undef, undef) < 0;
  reap() if vec($ready, $ended, 1);
  next unless vec($ready, 0, 1);
  my $got = sysread(STDIN, $input, 1 << 16, length $input);
  exit 0 unless $got;
  while (length $input >= 4) {
    my $size = unpack('N', $input);
    last if length $input < 4 + $size;
    begin(substr($input, 4, $size));
    substr($input, 0, 4 + $size) = '';
  }
}
