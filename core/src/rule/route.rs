//! Routes: `account-owner, else pool:ev-advisors`.

use crate::id::DeviceId;
use crate::registry::Registry;

/// The pool of tasks whose device nobody has registered, and of routes that name no other.
pub const OPERATIONS_POOL: &str = "pool:operations";

/// Who gets a task: the first of these that names somebody, else [`OPERATIONS_POOL`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route(pub Vec<Target>);

/// One place a route tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Who answers for the account of the device.
    AccountOwner,
    /// A team's pool, `pool:{team}`.
    Pool(Box<str>),
}

impl Route {
    /// Returns the owner of a task about `device`.
    pub fn owner_of(&self, device: &DeviceId, registry: &Registry) -> Box<str> {
        let mut named = self.0.iter().filter_map(|target| match target {
            Target::AccountOwner => registry.find_owner_of(device).map(Into::into),
            Target::Pool(team) => Some(format!("pool:{team}").into()),
        });
        named.next().unwrap_or_else(|| OPERATIONS_POOL.into())
    }
}
