"""Tables for searches of other libraries, each imported only where its module is: Optuna, OptunaHub, Syne Tune."""
