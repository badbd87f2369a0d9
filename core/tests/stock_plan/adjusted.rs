//! Lanes that are slower on some days, and demand that is other.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Days;
use proptest::prelude::*;
use upturn_core::stock::plan::adjust::{Adjusted, Scale, Scaled, SlowDay, SlowDays};
use upturn_core::stock::plan::setting::{ItemIndex, LaneIndex, PlaceIndex};

use super::day;

prop_compose! {
    pub(crate) fn any()(
        days in prop::collection::vec((0_u32..6, 0_u64..40, 0_u16..20), 0..12),
        scaled in prop::collection::vec((0_u32..8, 0_u64..40, 0.0..4.0), 0..12),
    ) -> Adjusted {
        let on = |number: u64| day("2025-01-14") + Days::new(number);
        let adjuster: Arc<str> = "storm".into();
        let mut slow: BTreeMap<LaneIndex, SlowDays> = BTreeMap::new();
        for (lane, number, days) in days {
            let of_day = SlowDay { days, adjuster: Arc::clone(&adjuster) };
            slow.entry(LaneIndex(lane)).or_default().insert(on(number), of_day);
        }
        let scales = scaled.into_iter().map(|(at, number, factor)| {
            let scaled = Scaled { factor, adjuster: Arc::clone(&adjuster) };
            let scale = Scale::of([(on(number), scaled)].into());
            ((ItemIndex(at / 4), PlaceIndex(at % 4)), Arc::new(scale))
        });
        Adjusted { slow, scales: scales.collect() }
    }
}
