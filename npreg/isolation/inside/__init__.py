"""What runs inside the student's process: started by path, standard library and NumPy only, no reference.

The files are loaded by ``main`` one by one, never through ``import npreg``: the package with its forward
programs is not on the path of the process that runs a student's code.
"""
