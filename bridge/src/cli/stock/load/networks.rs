//! Networks: depots whose levels are found together with those of their bases.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rust_decimal::Decimal;
use upturn_core::money::exact::Exact;
use upturn_core::stock::gather;
use upturn_core::stock::plan::network::{Goal, Network};
use upturn_core::stock::plan::setting::{ItemIndex, PlaceIndex, PlaceKind};
use upturn_core::stock::stocking::{BASES_MAX, NetworkDocument};

use super::{Loader, cell};
use crate::registry::table::{Row, Table};

pub(super) const NETWORKS: Table = Table {
    file: "networks.csv",
    required: &["network", "item", "depot", "base"],
    optional: &["missing_max", "service", "depot_cost", "base_cost"],
};

impl Loader<'_> {
    /// Reads the networks, if there is such a table: each row adds its item and its base to its network,
    /// and the first row says what the levels are to reach.
    pub(super) fn read_networks(&mut self) -> bool {
        if !self.folder.join(NETWORKS.file).is_file() {
            return true;
        }
        let mut found: BTreeMap<String, Network> = BTreeMap::new();
        let mut keepers: BTreeMap<(ItemIndex, PlaceIndex), String> = BTreeMap::new();
        let is_read = self.rows(&NETWORKS, |loader, row| {
            let id = cell::text(row, "network")?;
            let item = loader.last(loader.item(row)?);
            let [depot, base] = [loader.site(row, "depot")?, loader.site(row, "base")?];
            if depot == base {
                return Err("base is the depot; name another place".to_owned());
            }
            loader.require_lane((depot, base))?;
            for place in [depot, base] {
                let keeper = keepers.get(&(item, place)).filter(|keeper| *keeper != id);
                if let Some(keeper) = keeper {
                    let place = loader.setting.place(place).map_or("", |place| &*place.id);
                    return Err(format!("{place} keeps the item for network '{keeper}' already"));
                }
            }
            let known = match found.entry(id.to_owned()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let (bases, items) = (Vec::new(), Vec::new());
                    new.insert(Network { id: id.into(), depot, bases, items, goal: goal(row)? })
                }
            };
            if known.depot != depot {
                return Err(format!("network '{id}' has another depot already; name it here too"));
            }
            if BASES_MAX <= known.bases.len() && !known.bases.contains(&base) {
                return Err(format!("network '{id}' has {BASES_MAX} bases, which are the most"));
            }
            add(&mut known.items, item);
            add(&mut known.bases, base);
            keepers.extend([depot, base].map(|place| ((item, place), id.to_owned())));
            Ok(())
        });
        for network in found.into_values() {
            for item in &network.items {
                for place in network.bases.iter().chain([&network.depot]) {
                    self.draft(*item, *place);
                }
            }
            self.setting.networks.push(network);
        }
        is_read
    }

    /// Refuses a network without a way from a supplier to its depot, and on to `base`.
    fn require_lane(&self, (depot, base): (PlaceIndex, PlaceIndex)) -> Result<(), String> {
        let setting = &self.setting;
        let kind = |place| setting.place(place).map(|place| place.kind);
        let mut lanes = setting.lanes.iter();
        if !lanes.clone().any(|one| one.to == depot && kind(one.from) == Some(PlaceKind::Supplier))
        {
            return Err(
                "no lane in lanes.csv leads from a supplier to the depot; add one".to_owned()
            );
        }
        if !lanes.any(|one| (one.from, one.to) == (depot, base)) {
            return Err("no lane in lanes.csv leads from the depot to the base; add one".to_owned());
        }
        Ok(())
    }

    fn site(&self, row: Row<'_>, column: &str) -> Result<PlaceIndex, String> {
        let place = self.place(row, column)?;
        match self.setting.place(place).map(|place| place.kind) {
            Some(PlaceKind::Site) => Ok(place),
            Some(PlaceKind::Supplier) | None => Err(format!(
                "{column} is a supplier, which keeps no level; name a place with stock"
            )),
        }
    }
}

fn goal(row: Row<'_>) -> Result<Goal, String> {
    let number = |column: &str| -> Result<Option<Exact>, String> {
        let number: Option<Decimal> = cell::find(row, column, "a number, as 0.05")?;
        Ok(number.map(Exact))
    };
    gather::goal(&NetworkDocument {
        id: String::new(),
        depot: String::new(),
        bases: Vec::new(),
        products: Vec::new(),
        missing_max: number("missing_max")?,
        service: number("service")?,
        depot_cost: number("depot_cost")?,
        base_cost: number("base_cost")?,
    })
}

/// Adds `one` to those in order, once.
fn add<T: Ord>(all: &mut Vec<T>, one: T) {
    if let Err(place) = all.binary_search(&one) {
        all.insert(place, one);
    }
}
