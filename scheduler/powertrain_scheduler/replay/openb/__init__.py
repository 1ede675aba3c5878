"""Alibaba's GPU cluster trace v2023 (openb): a fleet filled as in the FGD paper, or run as it really went."""
