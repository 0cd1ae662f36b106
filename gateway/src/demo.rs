//! `sallyport demo`: the gateway with a scripted model, and labelled exchanges to look at.
