//! Whether commands leave anything behind.

use crate::census::Census;
use crate::connection::Result;
use crate::operation::Operation;
use crate::server::Server;
use crate::side::{Client, Side};
use crate::{Setting, TARGET, libpod, say};
use clap::Args;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long to go on.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seconds
    #[arg(long, default_value_t = 300)]
    seconds: u64,
}

const CLIENTS: usize = 8;
/// Commands before the first count: buffers find their size, agents start.
const WARM_UP: u64 = 20_000;
/// Idle connections are closed and ended processes gone within this.
const PATIENCE: Duration = Duration::from_secs(75);
/// Of so many commands of a soak by time, one is ended by its time limit, and one because its client goes
/// away; both have children.
const UNRULY: u64 = 50;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// After so many commands.
    Execs(u64),
    /// After this time; the commands are of all kinds.
    Time(Duration),
}

/// What was there before and after.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) execs: u64,
    before: Census,
    after: Census,
}

impl Outcome {
    pub(crate) fn is_clean(&self) -> bool {
        self.after.is_clean(&self.before, self.execs)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.after.compare(&self.before))
    }
}

pub(crate) async fn run(setting: &Setting, options: &Options) -> Result<()> {
    let mut podman = libpod::Client::new(setting.address(), 0, 0);
    podman.start_sleeper(TARGET).await?;
    let server = Server::start(setting, &[]).await?;
    let time = Duration::from_secs(options.seconds);
    let outcome = measure(&server, Until::Time(time)).await?;
    say(&format!("{} commands: {outcome}", outcome.execs))?;
    if outcome.is_clean() {
        return Ok(());
    }
    Err("something was left behind".into())
}

/// Counts, loads, and counts again.
pub(crate) async fn measure(server: &Server, until: Until) -> Result<Outcome> {
    let side = server.side(Some(true));
    let warm_up = match until {
        Until::Execs(_) => Until::Execs(WARM_UP),
        Until::Time(time) => Until::Time(time / 10),
    };
    load(&side, warm_up).await?;
    settle().await;
    let before = Census::take(server.pid())?;
    say("soaking")?;
    let execs = load(&side, until).await?;
    let began = Instant::now();
    loop {
        settle().await;
        let after = Census::take(server.pid())?;
        if after.is_clean(&before, execs) || began.elapsed() > PATIENCE {
            return Ok(Outcome {
                execs,
                before,
                after,
            });
        }
    }
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}

/// Runs commands by several clients; how many they were.
async fn load(side: &Side, until: Until) -> Result<u64> {
    let begun = Instant::now();
    let count = Arc::new(AtomicU64::new(0));
    let mut tasks: JoinSet<Result<()>> = JoinSet::new();
    for number in 0..CLIENTS {
        let Client::Api(mut client) = side.client(number) else {
            return Err("only Podlane is soaked".into());
        };
        let count = Arc::clone(&count);
        tasks.spawn(async move {
            loop {
                let turn = count.fetch_add(1, Ordering::Relaxed);
                match until {
                    Until::Execs(execs) if turn >= execs => return Ok(()),
                    Until::Time(time) if begun.elapsed() >= time => return Ok(()),
                    Until::Time(_) if turn.is_multiple_of(UNRULY) => client.time_out().await?,
                    Until::Time(_) if turn % UNRULY == 1 => client.go_away().await?,
                    _ => client.run(Operation::Echo).await?,
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    // The last look of each client was at no command.
    Ok(count.load(Ordering::Relaxed) - CLIENTS as u64)
}
