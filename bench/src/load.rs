//! The load: a closed loop of clients, each of which asks again as soon as it has its answer.

use crate::connection::Result;
use crate::operation::{Effort, Operation};
use crate::say;
use crate::side::Side;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// An operation with too many clients for its block length ends when this is over, and each side had
/// [`FEWEST_ROUNDS`].
const PATIENCE: Duration = Duration::from_secs(14);
const FEWEST_ROUNDS: usize = 2;
/// A refusal is quick and no load: a pause, lest it becomes one.
const AFTER_ERROR: Duration = Duration::from_millis(50);

/// What one block of load on one side showed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block {
    /// Sorted.
    took: Vec<Duration>,
    wall: Duration,
    errors: Vec<String>,
}

/// All blocks of one operation on one side, with so many clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    blocks: Vec<Block>,
}

/// One line of the table of calls.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) operation: Operation,
    pub(crate) clients: usize,
    /// Podlane, Podman, and whoever else.
    pub(crate) cells: Vec<Cell>,
}

impl Block {
    /// The smallest time that so many of the requests did not exceed.
    fn percentile(&self, part: f64) -> Option<Duration> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of requests, far below the limits"
        )]
        let rank = (self.took.len() as f64 * part).ceil() as usize;
        self.took.get(rank.max(1) - 1).copied()
    }

    fn p50(&self) -> Option<Duration> {
        self.percentile(0.5)
    }
}

impl Cell {
    /// The block with the lowest p50: the one that other work on the machine disturbed least.
    fn best(&self) -> Option<&Block> {
        let measured = self.blocks.iter().filter(|block| !block.took.is_empty());
        measured.min_by_key(|block| block.p50())
    }

    /// Milliseconds.
    pub(crate) fn p50(&self) -> Option<f64> {
        Some(self.best()?.p50()?.as_secs_f64() * 1e3)
    }

    /// Of the block that gave the p50, in milliseconds.
    pub(crate) fn p99(&self) -> Option<f64> {
        Some(self.best()?.percentile(0.99)?.as_secs_f64() * 1e3)
    }

    /// Of the block that gave the p50, in operations a second.
    pub(crate) fn throughput(&self) -> Option<f64> {
        let best = self.best()?;
        let count = u32::try_from(best.took.len()).ok()?;
        Some(f64::from(count) / best.wall.as_secs_f64())
    }

    /// By how many milliseconds this cell's p50 is above another's: the lower quartile, the median and
    /// the upper quartile of what each round says.
    pub(crate) fn above(&self, other: &Self) -> Option<[f64; 3]> {
        let rounds = self.blocks.iter().zip(&other.blocks);
        let mut differences: Vec<f64> = rounds
            .filter_map(|(ours, theirs)| {
                let (ours, theirs) = (ours.p50()?, theirs.p50()?);
                Some((ours.as_secs_f64() - theirs.as_secs_f64()) * 1e3)
            })
            .collect();
        differences.sort_by(f64::total_cmp);
        let last = differences.len().checked_sub(1)?;
        Some([last / 4, last / 2, last - last / 4].map(|index| differences[index]))
    }

    /// Says what went wrong, if anything did.
    pub(crate) fn complain(&self, what: &str) -> Result<bool> {
        let mut errors = self.errors();
        let Some(first) = errors.next() else {
            return Ok(false);
        };
        say(&format!("{what}: {first} (and {} more)", errors.count()))?;
        Ok(true)
    }

    /// In all blocks.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &str> {
        self.blocks
            .iter()
            .flat_map(|block| block.errors.iter().map(String::as_str))
    }
}

/// Measures an operation on all sides, so that a disturbance meets them all: one client asks them in
/// turn, more clients ask in alternating [`blocks`].
pub(crate) async fn compare(
    sides: &[Side],
    operation: Operation,
    clients: usize,
    Effort { block, rounds }: Effort,
) -> Result<Vec<Cell>> {
    if clients > 1 {
        return blocks(sides, operation, clients, Effort { block, rounds }).await;
    }
    let mut cells = vec![Cell::default(); sides.len()];
    for _ in 0..rounds {
        let blocks = alternate(sides, operation, block).await;
        for (cell, block) in cells.iter_mut().zip(blocks) {
            cell.blocks.push(block);
        }
    }
    Ok(cells)
}

/// Measures an operation on one side after the other, several times.
pub(crate) async fn blocks(
    sides: &[Side],
    operation: Operation,
    clients: usize,
    Effort { block, rounds }: Effort,
) -> Result<Vec<Cell>> {
    let began = Instant::now();
    let mut cells = vec![Cell::default(); sides.len()];
    for round in 0..rounds {
        if round >= FEWEST_ROUNDS && began.elapsed() > PATIENCE {
            break;
        }
        for turn in 0..sides.len() {
            // Each goes first as often as the others.
            let index = (turn + round) % sides.len();
            let result = measure(&sides[index], operation, clients, block).await?;
            cells[index].blocks.push(result);
        }
    }
    Ok(cells)
}

/// One client that asks the sides in turn, until each had about `time`.
async fn alternate(sides: &[Side], operation: Operation, time: Duration) -> Vec<Block> {
    let mut clients: Vec<_> = sides.iter().map(|side| side.client(0)).collect();
    let mut blocks = vec![Block::default(); sides.len()];
    for (client, block) in clients.iter_mut().zip(&mut blocks) {
        let connected = client.connect().await;
        block
            .errors
            .extend(connected.err().map(|error| error.to_string()));
    }
    let count = u32::try_from(sides.len()).unwrap_or(u32::MAX);
    while blocks.iter().map(|block| block.wall).sum::<Duration>() < time * count {
        for (client, block) in clients.iter_mut().zip(&mut blocks) {
            let began = Instant::now();
            let result = client.run(operation).await;
            let took = began.elapsed();
            block.wall += took;
            match result {
                Ok(()) => block.took.push(took),
                Err(error) => {
                    block.errors.push(error.to_string());
                    tokio::time::sleep(AFTER_ERROR).await;
                    block.wall += AFTER_ERROR;
                }
            }
        }
    }
    for block in &mut blocks {
        block.took.sort_unstable();
    }
    blocks
}

/// One block: until `time` is over, and at least one operation of each client.
async fn measure(
    side: &Side,
    operation: Operation,
    clients: usize,
    time: Duration,
) -> Result<Block> {
    let barrier = Arc::new(Barrier::new(clients + 1));
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let mut client = side.client(number);
        let barrier = Arc::clone(&barrier);
        tasks.spawn(async move {
            // Connects, and is not counted.
            let connected = client.connect().await;
            barrier.wait().await;
            let (mut took, mut errors) = (Vec::new(), Vec::new());
            if let Err(error) = connected {
                errors.push(error.to_string());
                return (took, errors);
            }
            let end = Instant::now() + time;
            loop {
                let began = Instant::now();
                match client.run(operation).await {
                    Ok(()) => took.push(began.elapsed()),
                    Err(error) => errors.push(error.to_string()),
                }
                if !errors.is_empty() {
                    tokio::time::sleep(AFTER_ERROR).await;
                }
                if Instant::now() >= end {
                    return (took, errors);
                }
            }
        });
    }
    barrier.wait().await;
    let began = Instant::now();
    let mut block = Block::default();
    while let Some(ended) = tasks.join_next().await {
        let (took, errors) = ended?;
        block.took.extend(took);
        block.errors.extend(errors);
    }
    block.wall = began.elapsed();
    block.took.sort_unstable();
    Ok(block)
}

/// So many requests, health and list in turn, from a few clients at once. Any error ends it.
pub(crate) async fn steady(side: &Side, requests: usize) -> Result<()> {
    const CLIENTS: usize = 10;
    let mut tasks: JoinSet<Result<()>> = JoinSet::new();
    for number in 0..CLIENTS {
        let mut client = side.client(number);
        tasks.spawn(async move {
            for _ in 0..requests / CLIENTS / 2 {
                client.run(Operation::Health).await?;
                client.run(Operation::List(1)).await?;
            }
            Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(took: &[u64]) -> Block {
        Block {
            took: took.iter().copied().map(Duration::from_millis).collect(),
            wall: Duration::from_secs(2),
            errors: Vec::new(),
        }
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let hundred: Vec<u64> = (1..=100).collect();
        let hundred = block(&hundred);
        assert_eq!(hundred.percentile(0.5), Some(Duration::from_millis(50)));
        assert_eq!(hundred.percentile(0.99), Some(Duration::from_millis(99)));
        assert_eq!(block(&[7]).percentile(0.99), Some(Duration::from_millis(7)));
        assert_eq!(block(&[]).percentile(0.5), None);
    }

    #[test]
    fn a_cell_speaks_of_its_quietest_block() {
        let cell = Cell {
            blocks: vec![block(&[5, 6, 7]), block(&[]), block(&[1, 2, 40, 50])],
        };
        let close = |value: Option<f64>, wanted: f64| (value.unwrap() - wanted).abs() < 1e-9;
        assert!(close(cell.p50(), 2.0));
        assert!(close(cell.p99(), 50.0));
        assert!(close(cell.throughput(), 2.0));
    }

    #[test]
    fn cells_are_compared_round_by_round() {
        let ours = [4, 14, 105, 9, 30].map(|took| block(&[took]));
        let theirs = [3, 10, 100, 7, 20].map(|took| block(&[took]));
        let (ours, theirs) = (
            Cell {
                blocks: ours.into(),
            },
            Cell {
                blocks: theirs.into(),
            },
        );
        let quartiles = ours.above(&theirs).unwrap();
        for (found, wanted) in quartiles.into_iter().zip([2.0, 4.0, 5.0]) {
            assert!((found - wanted).abs() < 1e-9, "{quartiles:?}");
        }
        assert!(Cell::default().above(&theirs).is_none());
    }
}
