"""What do runs say?"""
