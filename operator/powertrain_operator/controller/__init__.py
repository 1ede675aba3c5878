"""The operator process: what it sees, when it decides, and how it carries out what was decided.

    kopf (two kinds) ──> objects ─┐                          ┌─> execute ──> API server
    reflectors (children, fleet) ─┴─> work queue ─> observe ─┤
                                                             └── reconcile (pure, another room)

kopf tells of TrainingJobs and InferenceServices; everything else comes through our own reflectors. Nothing
polls: an object is looked at when it, a child of it, or the fleet around it has changed, or when its
last outcome asked for another look. The one room that imports kopf.
"""
