"""ViRelAy's project files, out and in: a YAML file that names a label map (JSON) and HDF5 files.

`write` makes a project of atlases that ViRelAy opens; `read` opens anybody's project, without ViRelAy.

What ViRelAy 0.6 reads, by its code (its documentation gives other keys, ``clustering``, ``root`` and ``base``):

=============  ========================================================================================
project        ``project`` → ``name``, ``model``, ``label_map``, ``dataset``, and optionally ``attributions``,
               ``analyses``; paths are relative to it
label map      list of ``{"index", "word_net_id", "name"}``, all three
input          ``data`` uint8 (N, 3, H, W), ``label`` ints (N,) or bool (N, classes)
attribution    ``attribution`` (n, C, H, W), ``label`` as above, ``prediction`` (n, ...), and optionally ``index``
               (n,): the number of each row's input
analysis       ``<category>/index`` (m,): numbers of inputs, ``<category>/embedding/<name>`` (m, d) with an
               attribute ``eigenvalue``, where it has some, and ``<category>/cluster/<name>`` (m,)
=============  ========================================================================================

In place of an array (n, ...), input and attribution may have groups of n arrays, in the order of their names.
"""

from .analyses import Analysis
from .attributions import Attributions
from .labels import Label
from .reading import Project, read
from .writing import write

__all__ = ["Analysis", "Attributions", "Label", "Project", "read", "write"]
