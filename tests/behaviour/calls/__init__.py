"""Each call type and each way to aggregate replies: results, errors, order, the time that a call has, giving up."""
