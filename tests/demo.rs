//! `sallyport demo --once`: every exchange of the walk ends as it should.

use sallyport::demo::{Options, run};

#[test]
fn the_walk_ends_as_it_should() {
    let options = Options {
        once: true,
        ports: Some(0),
    };
    run(&options).unwrap_or_else(|error| panic!("{error}"));
}
