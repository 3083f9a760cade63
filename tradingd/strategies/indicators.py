"""Rolling figures that cost the same at every length: for strategies, fed one close at a time."""

import math
from collections import deque


class RollingMean:
    """Mean of the last `length` values."""

    def __init__(self, length: int) -> None:
        self._values: deque[float] = deque(maxlen=length)
        self._sum = 0.0

    def push(self, value: float) -> None:
        """Take in the next value."""
        if len(self._values) == self._values.maxlen:
            self._sum -= self._values[0]
        self._values.append(value)
        self._sum += value

    @property
    def ready(self) -> bool:
        """True once `length` values have been seen."""
        return len(self._values) == self._values.maxlen

    @property
    def value(self) -> float:
        """The mean of what is held."""
        return self._sum / len(self._values)


class RollingDeviation:
    """Mean and population standard deviation of the last `length` values."""

    def __init__(self, length: int) -> None:
        self._values: deque[float] = deque(maxlen=length)

    def push(self, value: float) -> None:
        """Take in the next value."""
        self._values.append(value)

    @property
    def ready(self) -> bool:
        """True once `length` values have been seen."""
        return len(self._values) == self._values.maxlen

    @property
    def mean(self) -> float:
        """The mean of what is held."""
        return math.fsum(self._values) / len(self._values)

    @property
    def deviation(self) -> float:
        """Population standard deviation, from exact sums: a running one would drift over months."""
        mean = self.mean
        return math.sqrt(math.fsum((value - mean) ** 2 for value in self._values) / len(self._values))
