//! Which traces are kept, decided when an exchange begins.

use sallyport_record::TraceId;

/// Which traces are kept. A pure function of the trace's id and of what the caller said, so that every service that asks
/// the same question of the same trace gets the same answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sampler {
    share: f64,
    heeds_parent: bool,
}

impl Default for Sampler {
    /// All, unless the caller says otherwise (`parentbased_always_on`).
    fn default() -> Self {
        Sampler {
            share: 1.0,
            heeds_parent: true,
        }
    }
}

impl Sampler {
    /// Keeps this share of traces, from 0 to 1; of those with a caller's span, those that the caller keeps if
    /// `heeds_parent`. Nothing if the share is none.
    pub fn new(share: f64, heeds_parent: bool) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Sampler {
            share,
            heeds_parent,
        })
    }

    /// Whether a trace is kept. `parent`: whether the caller keeps its span, if it named one.
    pub fn keeps(&self, trace: TraceId, parent: Option<bool>) -> bool {
        match parent {
            Some(sampled) if self.heeds_parent => sampled,
            _ if self.share >= 1.0 => true,
            _ => low_bits(trace) < (self.share * BITS_SPAN) as u64,
        }
    }
}

/// The last 7 bytes of an id are random by W3C Trace Context, Level 2 (§3.2.3.3).
const BITS_SPAN: f64 = (1_u64 << 56) as f64;

fn low_bits(TraceId(id): TraceId) -> u64 {
    id[9..]
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> impl Iterator<Item = TraceId> {
        (1_u64..=10_000).map(|n| {
            let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            TraceId(((u128::from(mixed) << 64) | u128::from(mixed)).to_be_bytes())
        })
    }

    #[test]
    fn the_caller_decides_and_else_the_share_does() {
        let half = Sampler::new(0.5, true).expect("a share");
        let kept = ids().filter(|id| half.keeps(*id, None)).count();
        assert!((4_800..5_200).contains(&kept), "{kept}");
        assert!(ids().all(|id| half.keeps(id, Some(true)) && !half.keeps(id, Some(false))));
        let alone = Sampler::new(0.0, false).expect("a share");
        assert!(ids().all(|id| !alone.keeps(id, Some(true))));
        assert!(ids().all(|id| Sampler::default().keeps(id, None)));
        assert_eq!(Sampler::new(1.1, true), None);
        assert_eq!(Sampler::new(f64::NAN, true), None);
    }

    #[test]
    fn a_bigger_share_keeps_what_a_smaller_one_did() {
        let (tenth, third) = (Sampler::new(0.1, true), Sampler::new(0.3, true));
        let (tenth, third) = (tenth.expect("a share"), third.expect("a share"));
        assert!(
            ids()
                .filter(|id| tenth.keeps(*id, None))
                .all(|id| third.keeps(id, None))
        );
    }
}
