//! Work on many things at once, in the order of the things.

use std::num::NonZero;
use std::panic;
use std::thread;

/// Fewer things than these are not worth a thread.
const SHARE_MIN: usize = 64;
/// The most threads.
const THREADS_MAX: usize = 8;

/// Returns what `work` makes of each of `things`, in their order, however many processors do it.
pub fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let share = things.len().div_ceil(threads).max(SHARE_MIN);
    if things.len() <= share {
        return things.iter().map(work).collect();
    }
    let work = &work;
    let mut made = Vec::with_capacity(things.len());
    thread::scope(|scope| {
        let shares = things.chunks(share);
        let started: Vec<_> = shares
            .map(|share| scope.spawn(move || share.iter().map(work).collect::<Vec<R>>()))
            .collect();
        for one in started {
            match one.join() {
                Ok(mut found) => made.append(&mut found),
                Err(cause) => panic::resume_unwind(cause),
            }
        }
    });
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_stands_in_the_order_of_the_things() {
        for count in [0, 1, SHARE_MIN, SHARE_MIN + 1, 10 * SHARE_MIN + 7] {
            let things: Vec<usize> = (0..count).collect();
            let expected: Vec<usize> = things.iter().map(|thing| thing * 2).collect();
            assert_eq!(map(&things, |thing| thing * 2), expected, "{count}");
        }
    }
}
