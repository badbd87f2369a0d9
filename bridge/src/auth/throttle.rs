//! The brake on guessing passwords.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Failures after which an account is closed to an address.
const ACCOUNT_FAILURES_MAX: usize = 5;

/// Failures after which every account is closed to an address: one that tries many names.
const ADDRESS_FAILURES_MAX: usize = 50;

/// How long a failure counts.
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Refusals in that time that are written into the trail: it is kept for ever, and anybody can fail.
const NOTED_MAX: usize = 200;

/// How many addresses and accounts are remembered.
const ENTRIES_MAX: usize = 10_000;

/// Under how many keys one failure is remembered.
const KEYS: usize = 2;

/// The failures of the last minutes, by account and address.
///
/// In memory: a restart forgives, and several processes each count for themselves.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    failures: Mutex<BTreeMap<Key, Vec<DateTime<Utc>>>>,
    /// When those were that were written into the trail.
    noted: Mutex<Vec<DateTime<Utc>>>,
}

/// An address, and the account it tried; without an account, all of them together.
type Key = (IpAddr, Option<Box<str>>);

/// Told to wait before the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// Until when.
    pub(crate) until: DateTime<Utc>,
}

impl Throttle {
    /// Returns whether `address` may try `account` now, or how long it has to wait.
    pub(crate) fn check(
        &self,
        account: &str,
        address: IpAddr,
        now: DateTime<Utc>,
    ) -> Result<(), Wait> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, max) in keys(account, address) {
            let Some(failed) = failures.get(&key) else { continue };
            let counted = failed.iter().rev().filter(|at| now - **at < WINDOW);
            if let Some(deciding) = counted.take(max).nth(max.saturating_sub(1)) {
                return Err(Wait { until: *deciding + WINDOW });
            }
        }
        Ok(())
    }

    /// Remembers that `address` failed to log in to `account`.
    pub(crate) fn failed(&self, account: &str, address: IpAddr, now: DateTime<Utc>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut failures, now);
        for (key, max) in keys(account, address) {
            let failed = failures.entry(key).or_default();
            failed.retain(|at| now - *at < WINDOW);
            if failed.len() < max {
                failed.push(now);
            }
        }
    }

    /// Returns whether a refusal at `now` is written into the trail: so many in a while, whoever fails.
    pub(crate) fn is_noted(&self, now: DateTime<Utc>) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.retain(|at| now - *at < WINDOW);
        let is_noted = noted.len() < NOTED_MAX;
        if is_noted {
            noted.push(now);
        }
        is_noted
    }

    /// Forgets the failures of `address` on `account`, which got in.
    pub(crate) fn succeeded(&self, account: &str, address: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&(address, Some(account.into())));
    }
}

/// Forgets what no longer counts, and then, where somebody tries from very many addresses, those
/// that failed longest ago.
fn make_room(failures: &mut BTreeMap<Key, Vec<DateTime<Utc>>>, now: DateTime<Utc>) {
    let room = ENTRIES_MAX.saturating_sub(KEYS);
    if failures.len() <= room {
        return;
    }
    failures.retain(|_, failed| failed.last().is_some_and(|at| now - *at < WINDOW));
    while room < failures.len() {
        let oldest = failures.iter().min_by_key(|(_, failed)| failed.last().copied());
        let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { return };
        failures.remove(&oldest);
    }
}

fn keys(account: &str, address: IpAddr) -> [(Key, usize); KEYS] {
    [
        ((address, Some(account.into())), ACCOUNT_FAILURES_MAX),
        ((address, None), ADDRESS_FAILURES_MAX),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn closes_an_account_to_an_address_after_five_failures_in_fifteen_minutes() {
        let throttle = Throttle::default();
        for minute in 0..5 {
            assert_eq!(throttle.check("anna", HERE, at(minute)), Ok(()), "minute {minute}");
            throttle.failed("anna", HERE, at(minute));
        }
        assert_eq!(throttle.check("anna", HERE, at(5)), Err(Wait { until: at(15) }));
        assert_eq!(throttle.check("anna", THERE, at(5)), Ok(()), "another address");
        assert_eq!(throttle.check("bob", HERE, at(5)), Ok(()), "another account");
        assert_eq!(throttle.check("anna", HERE, at(15)), Ok(()), "the first one has expired");
    }

    #[test]
    fn a_success_forgives_the_account_but_not_the_address() {
        let throttle = Throttle::default();
        for number in 0..50 {
            throttle.failed(&format!("user{}", number % 20), HERE, at(0));
        }
        throttle.succeeded("user1", HERE);
        assert_eq!(throttle.check("user1", HERE, at(1)), Err(Wait { until: at(15) }));
        assert_eq!(throttle.check("user1", THERE, at(1)), Ok(()));

        let throttle = Throttle::default();
        (0..5).for_each(|_| throttle.failed("anna", HERE, at(0)));
        throttle.succeeded("anna", HERE);
        assert_eq!(throttle.check("anna", HERE, at(1)), Ok(()));
    }

    #[test]
    fn remembers_a_bounded_number_of_addresses() {
        let throttle = Throttle::default();
        for number in 0..6_000_u32 {
            throttle.failed("anna", IpAddr::from(number.to_be_bytes()), at(0));
        }
        assert!(throttle.failures.lock().unwrap().len() <= ENTRIES_MAX);
    }

    #[test]
    fn so_many_refusals_are_noted_and_no_more() {
        let throttle = Throttle::default();
        let noted = |minute| (0..500).filter(|_| throttle.is_noted(at(minute))).count();
        assert_eq!((noted(0), noted(14), noted(15)), (NOTED_MAX, 0, NOTED_MAX));
    }
}
