"""Operate what a cloud blueprint made: command lines of Terraform and of the clouds' own tools."""
